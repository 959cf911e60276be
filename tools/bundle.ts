/**
 * Bundles the commands into dist/: `drydock.cjs`, which is what is run, and one file per command beside it, so that an
 * agent does not load what only the controller needs.
 *
 *   node tools/bundle.ts
 *
 * CommonJS, because it takes less memory than ES modules do (agent 59 MiB against 66, one file for all 89).
 */
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

/** Sizes in bytes, and where they come from, by file. */
export type Bundled = Metafile['outputs'];

/** Bundles src/main.ts and the commands that it imports when they run. */
export async function bundle(root: string, outdir: string): Promise<Bundled> {
  const commands = new Set<string>();
  const options: BuildOptions = {
    absWorkingDir: root,
    bundle: true,
    format: 'cjs',
    legalComments: 'external',
    logLevel: 'warning',
    metafile: true,
    minify: true,
    outdir,
    outExtension: { '.js': '.cjs' },
    platform: 'node',
    // import() is written as require(), which reads the other file without the machinery of ES modules
    supported: { 'dynamic-import': false },
    target: 'node26',
  };
  const main = await build({ ...options, entryPoints: { drydock: 'src/main.ts' }, plugins: [splitCommands(commands)] });
  const rest = await build({ ...options, entryPoints: [...commands].sort(), plugins: [leaveOutGaxios] });
  chmodSync(join(outdir, 'drydock.cjs'), 0o755);
  return { ...main.metafile?.outputs, ...rest.metafile?.outputs };
}

/** Makes a bundle of its own of each file that main imports when it needs it. */
function splitCommands(commands: Set<string>): Plugin {
  return {
    name: 'split-commands',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\.\/cli\/[\w-]+\.ts$/ }, ({ path, kind }) => {
        if (kind !== 'dynamic-import') return null;
        commands.add(path.replace('./', 'src/'));
        return { path: path.replace('./cli/', './').replace(/ts$/, 'cjs'), external: true };
      }),
  };
}

/**
 * The library of the Operator class brings an HTTP client for methods of its own that Drydock does not use, and with it
 * 300 kB and a deprecation warning at every start.
 */
const leaveOutGaxios: Plugin = {
  name: 'leave-out-gaxios',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^gaxios$/ }, ({ importer }) =>
      importer.includes('/@dot-i/k8s-operator/') ? { path: 'gaxios', namespace: 'left-out' } : null,
    );
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({
      contents: `exports.instance = { request() { throw new Error('gaxios is left out of the bundle'); } };`,
    }));
  },
};

async function main() {
  const root = join(import.meta.dirname, '..');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  for (const [file, { bytes }] of Object.entries(await bundle(root, join(root, 'dist')))) {
    console.log(`${String(Math.ceil(bytes / 1000)).padStart(6)} kB  ${file}`);
  }
}

if (import.meta.main) await main();
