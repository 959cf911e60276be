/** Where built programs are kept. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Family } from './families.ts';

/** The cache's folder: `DRYDOCK_TESTBED_CACHE`, or a folder in the user's cache. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  // Tools treat an empty variable as unset, and so do we: an empty path would be the current folder.
  return env.DRYDOCK_TESTBED_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'drydock', 'testbed');
}

/** The folder of a family. Its name changes with everything that the programs are made of. */
export function cacheFolder(root: string, family: Family, goVersion: string): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(family.module, file))).update('\0');
  hash.update(JSON.stringify([family.packages, family.flags, goVersion, process.platform, process.arch]));
  return join(root, `${family.name}-${hash.digest('hex').slice(0, 16)}`);
}

/** The programs of `family` that `KUBEBUILDER_ASSETS` (the folder of controller-runtime's envtest) provides. */
export function providedPrograms(family: Family, env: NodeJS.ProcessEnv = process.env): Map<string, string> {
  const provided = new Map<string, string>();
  const assets = env.KUBEBUILDER_ASSETS;
  if (!assets) return provided;
  for (const program of Object.keys(family.packages)) {
    const path = join(assets, program);
    if (existsSync(path)) provided.set(program, path);
    else if (required.has(program)) throw new Error(`KUBEBUILDER_ASSETS=${assets} has no ${program}`);
  }
  return provided;
}

/** What envtest always has; of the rest it has whatever its owner put there. */
const required = new Set(['etcd', 'kube-apiserver', 'kubectl']);
