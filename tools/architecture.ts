/** What the architecture allows, in one place. `check-architecture.ts` enforces it. A path ending in / is a folder. */

/** Which folder of src may import which others. A file may always import from its own folder. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  api: [],
  platform: [],
  core: ['api'],
  cluster: ['api', 'core', 'platform'],
  gates: ['api', 'core', 'platform'],
  telemetry: ['api', 'core', 'platform'],
  agent: ['api', 'core', 'platform', 'cluster', 'gates', 'telemetry'],
  controller: ['api', 'core', 'platform', 'cluster', 'gates', 'telemetry'],
  cli: ['api', 'core', 'platform', 'cluster', 'gates', 'telemetry', 'agent', 'controller'],
  'main.ts': ['cli', 'platform'],
};

/** The packages that a folder may import; types count too. Folders that are not named here may import any package. */
export const mayUsePackages: Readonly<Record<string, readonly string[]>> = {
  api: [],
  core: ['croner', 're2js'],
};

/** Where the process meets the world. Only here are the clock, chance, timers, the environment and fetch used. */
export const edges: readonly string[] = ['src/main.ts', 'src/cli/', 'src/platform/'];

/** Modules of Node that neither read nor change anything outside the process. node:crypto is held to named imports. */
export const harmlessNodeModules: readonly string[] = [
  'node:assert',
  'node:buffer',
  'node:crypto',
  'node:events',
  'node:path',
  'node:stream',
  'node:stream/promises',
  'node:string_decoder',
  'node:url',
  'node:util',
];

/** Modules that reach outside, by who may import their values: the edges, and the files and folders named here. */
export const reachesOutside: Readonly<Record<string, readonly string[]>> = {
  'node:fs': ['src/agent/directoryWatch.ts', 'src/agent/sentinelFiles.ts'],
  'node:fs/promises': ['src/agent/directoryWatch.ts', 'src/agent/sentinelFiles.ts', 'src/agent/nodeFiles.ts'],
  'node:net': ['src/agent/rebooterSocket.ts'],
  'node:tls': [],
  'node:http': [],
  'node:https': [],
  'node:child_process': [],
  '@kubernetes/client-node': [],
};

/** Files outside src that files of src may import, and who may. */
export const outsideSrc: Readonly<Record<string, readonly string[]>> = {
  'package.json': ['src/cli/version.ts'],
};
