/**
 * The programs that the test bed runs: built from the Go modules beside this file when they are first needed, kept in a
 * cache for ever after.
 *
 * Run as a program (`make testbed`) it builds what is missing: about 9 minutes on two cores with cold caches.
 */

import { existsSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cacheFolder, cacheRoot, providedPrograms } from './build/cache.ts';
import { type Family, families } from './build/families.ts';
import { goVersion } from './build/go.ts';
import { makeOwnedFolder } from './process/owned.ts';
import { SupervisedProcess } from './process/supervised.ts';
import { waitFor } from './process/wait.ts';

/** The slowest family needs under 6 minutes on two cores; ten times that is broken, not slow. */
const BUILD_TIMEOUT_MS = 60 * 60_000;
const HEARTBEAT_MS = 15_000;

export type Program =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubectl'
  | 'kwok'
  | 'prometheus'
  | 'promtool';

/** Program → path of its executable. */
export type Binaries = Readonly<Record<Program, string>>;

let built: Promise<Binaries> | undefined;

/** The paths of all programs. Builds what is missing, with progress on stderr; later calls cost nothing. */
export function binaries(): Promise<Binaries> {
  built ??= buildAll((line) => process.stderr.write(`${line}\n`));
  return built;
}

/** Builds, or finds, every program; `report` gets a line for each thing that happens. */
export async function buildAll(report: (line: string) => void): Promise<Binaries> {
  const paths: Record<string, string> = {};
  // One after the other: each build uses all cores, and together they need more memory than small machines have.
  for (const family of families) Object.assign(paths, await programsOf(family, report));
  return paths as Binaries;
}

async function programsOf(family: Family, report: (line: string) => void): Promise<Record<string, string>> {
  const provided = providedPrograms(family);
  const programs = Object.keys(family.packages);
  if (programs.every((program) => provided.has(program))) return Object.fromEntries(provided);
  const root = cacheRoot();
  const folder = cacheFolder(root, family, await goVersion(family.module));
  if (!existsSync(folder)) await buildFamily(family, root, folder, report);
  return Object.fromEntries(programs.map((program) => [program, provided.get(program) ?? join(folder, program)]));
}

async function buildFamily(
  family: Family,
  root: string,
  folder: string,
  report: (line: string) => void,
): Promise<void> {
  const names = Object.keys(family.packages).join(', ');
  const started = Date.now();
  const elapsed = (): string => `${Math.round((Date.now() - started) / 1000)} s`;
  report(`${family.name}: building ${names} (minutes the first time)`);
  const workshop = makeOwnedFolder(root, `.${basename(folder)}.`);
  const heartbeat = setInterval(() => report(`${family.name}: still building, ${elapsed()}`), HEARTBEAT_MS);
  try {
    await goBuild(family, workshop);
    keep(workshop, folder);
    report(`${family.name}: built in ${elapsed()}`);
  } finally {
    clearInterval(heartbeat);
    rmSync(workshop, { recursive: true, force: true });
  }
}

async function goBuild(family: Family, output: string): Promise<void> {
  const packages = Object.entries(family.packages);
  // Go names a program after the last element of its package, which for etcd is a version; alone it can be named.
  const target = packages.length === 1 ? join(output, packages[0]?.[0] ?? '') : `${output}/`;
  const go = await SupervisedProcess.start({
    name: `go build of ${family.name}`,
    command: 'go',
    args: ['build', '-trimpath', '-buildvcs=false', ...family.flags, '-o', target, ...packages.map(([, path]) => path)],
    cwd: family.module,
    env: { CGO_ENABLED: '0' },
    logFile: join(output, 'build.log'),
  });
  const exit = await waitFor(`end of ${go.name}`, () => go.exit, { timeoutMs: BUILD_TIMEOUT_MS, everyMs: 100 });
  if (exit.code !== 0) throw new Error(`${go.name} failed with code ${exit.code}\n${go.logTail()}`);
}

/** Publishes a finished build. Only whole builds ever have the final name. */
function keep(workshop: string, folder: string): void {
  try {
    renameSync(workshop, folder);
  } catch (error) {
    // Somebody else was faster; what they built is the same.
    if (!existsSync(folder)) throw error;
  }
}

if (import.meta.main) {
  for (const [program, path] of Object.entries(await binaries())) console.log(`${program} ${path}`);
}
