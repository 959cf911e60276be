/** Puts the project's own manifests into a cluster. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { waitFor } from '../process/wait.ts';

const projectRoot = join(import.meta.dirname, '..', '..', '..');
const APPLY_TIMEOUT_MS = 15_000;

/** What others need to exist; everything else follows in the order of the files. */
const FIRST = ['CustomResourceDefinition', 'Namespace', 'ServiceAccount'];

/** What runs pods. The bed runs the controller and the agents as processes; kwok would only play their pods. */
const WORKLOADS = ['Deployment', 'DaemonSet'];

/** For `kubectl` itself, or a folder that a tool reads, and not for the API server. */
const NOT_FOR_THE_SERVER = ['Kustomization'];

export interface InstallOptions {
  /** Also apply Deployments and DaemonSets. Default false. */
  workloads?: boolean;
}

interface Manifest {
  kind: string;
}

/** Runs kubectl as the admin and returns what it prints; throws what it complains about. */
export type Kubectl = (args: string[], stdin?: string) => Promise<string>;

/** Applies crds/*.yaml and manifests/*.yaml of the project, in whatever order its files are. */
export async function installDrydock(kubectl: Kubectl, options: InstallOptions = {}): Promise<void> {
  const unwanted = options.workloads === true ? NOT_FOR_THE_SERVER : [...NOT_FOR_THE_SERVER, ...WORKLOADS];
  const manifests = ['crds', 'manifests'].flatMap(readFolder).filter(({ kind }) => !unwanted.includes(kind));
  if (manifests.length === 0) throw new Error(`there are no manifests in crds/ and manifests/ of ${projectRoot}`);
  for (const kind of FIRST) {
    await apply(
      kubectl,
      manifests.filter((manifest) => manifest.kind === kind),
    );
    if (kind === 'CustomResourceDefinition') await established(kubectl);
  }
  await apply(
    kubectl,
    manifests.filter(({ kind }) => !FIRST.includes(kind)),
  );
}

function readFolder(name: string): Manifest[] {
  const folder = join(projectRoot, name);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => /\.ya?ml$/.test(file));
  return files.sort().flatMap((file) => readManifests(join(folder, file)));
}

function readManifests(path: string): Manifest[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`${path}: ${error.message}`);
    const manifest = document.toJS() as Manifest | null;
    // A document of nothing but comments.
    return manifest === null ? [] : [manifest];
  });
}

/** Tries again while the server refuses: a resource may need another of the same call, or a type that is just new. */
async function apply(kubectl: Kubectl, manifests: Manifest[]): Promise<void> {
  if (manifests.length === 0) return;
  const text = manifests.map((manifest) => stringify(manifest)).join('---\n');
  const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=testbed', '-f', '-'];
  const applyAll = async (): Promise<true> => {
    await kubectl(args, text);
    return true;
  };
  await waitFor('the manifests to be accepted', applyAll, { timeoutMs: APPLY_TIMEOUT_MS, everyMs: 500 });
}

async function established(kubectl: Kubectl): Promise<void> {
  const names = (await kubectl(['get', 'crd', '-o', 'name'])).split('\n').filter((name) => name !== '');
  if (names.length === 0) return;
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...names]);
  // Established is said a moment before it is true: until then requests end in 404 or "storage is (re)initializing".
  const types = names.map((name) => name.slice(name.indexOf('/') + 1)).join(',');
  const served = async (): Promise<true> => {
    await kubectl(['get', types, '--all-namespaces']);
    return true;
  };
  await waitFor('the new types to be served', served, { timeoutMs: APPLY_TIMEOUT_MS, everyMs: 250 });
}
