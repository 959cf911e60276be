/** The Go toolchain of this machine. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** From this version on `go` fetches by itself the toolchain that a module asks for. */
const OLDEST_MINOR = 21;

const HOW_TO_GET_IT =
  `The test bed builds Kubernetes from source with Go 1.${OLDEST_MINOR} or later: install it from https://go.dev/dl/ ` +
  'or with your package manager (Debian: golang-go), and put its `go` first in PATH.';

/** The version of the toolchain that builds `module`, e.g. `go1.26.8`. Throws, with advice, if there is none. */
export async function goVersion(module: string): Promise<string> {
  // Outside the module, because a `go` that is too old does not even read a newer go.mod.
  const base = await goOutput(['version'], '/');
  const minor = /go1\.(\d+)/.exec(base)?.[1];
  if (minor === undefined || Number(minor) < OLDEST_MINOR) {
    throw new Error(`${base.trim() || 'This go'} is too old. ${HOW_TO_GET_IT}`);
  }
  return (await goOutput(['env', 'GOVERSION'], module)).trim();
}

async function goOutput(args: string[], cwd: string): Promise<string> {
  try {
    return (await run('go', args, { cwd })).stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error(`There is no go in PATH. ${HOW_TO_GET_IT}`);
    throw error;
  }
}
