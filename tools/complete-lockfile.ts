/**
 * Adds to package-lock.json the optional packages of other platforms that the registry in use did not offer.
 * Without them `npm ci` refuses the lockfile everywhere; with them it passes over those for other platforms.
 *
 *   node tools/complete-lockfile.ts           writes it (run it after npm install)
 *   node tools/complete-lockfile.ts --check   fails if there is anything to add
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LockedPackage {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
  [field: string]: unknown;
}

export interface Lockfile {
  packages: Record<string, LockedPackage>;
  [field: string]: unknown;
}

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

/** What is missing: path in node_modules to entry. */
export function missingPackages({ packages }: Lockfile): Record<string, LockedPackage> {
  const missing: Record<string, LockedPackage> = {};
  for (const parent of Object.values(packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`;
      if (packages[path] === undefined) missing[path] = entryOf(name, version, parent);
    }
  }
  return missing;
}

/** The entry of a package for one platform, as its name tells it. Its checksum is not known and left out. */
function entryOf(name: string, version: string, parent: LockedPackage): LockedPackage {
  const words = name.split(/[/-]/);
  const [os, cpu] = [words.find((word) => systems.includes(word)), words.find((word) => processors.includes(word))];
  if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`${name}@${version} is missing from package-lock.json, and its name does not tell its platform`);
  }
  const libc = os !== 'linux' ? [] : words.some((word) => word.startsWith('musl')) ? ['musl'] : ['glibc'];
  return {
    version,
    cpu: [cpu],
    ...(parent.dev ? { dev: true } : {}),
    ...(libc.length > 0 ? { libc } : {}),
    optional: true,
    os: [os],
  };
}

function main() {
  const file = join(import.meta.dirname, '../package-lock.json');
  const lockfile = JSON.parse(readFileSync(file, 'utf8')) as Lockfile;
  const missing = missingPackages(lockfile);
  const count = Object.keys(missing).length;
  if (count === 0) return;
  if (process.argv.includes('--check')) {
    console.error(`package-lock.json lacks ${count} packages of other platforms: run node tools/complete-lockfile.ts`);
    process.exitCode = 1;
    return;
  }
  const packages = Object.entries({ ...lockfile.packages, ...missing }).sort(([a], [b]) => a.localeCompare(b, 'en'));
  writeFileSync(file, `${JSON.stringify({ ...lockfile, packages: Object.fromEntries(packages) }, null, 2)}\n`);
  console.log(`added ${count} packages of other platforms to package-lock.json`);
}

if (import.meta.main) main();
