/** Drydock as it was in its previous release. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from './program.ts';

const projectRoot = join(import.meta.dirname, '..', '..', '..');

/** The commit that was released last, in full. A release puts its own here when it is out. */
const releaseFile = join(projectRoot, 'test', 'e2e', 'previous-release');

let made: Command | undefined;

/**
 * The program of the previous release, from source, with the libraries of now. It is in a folder of its own, which is
 * removed at the end.
 *
 * @throws Error when its commit is not here, e.g. in a shallow clone
 */
export function previousRelease(): Command {
  made ??= extract(readFileSync(releaseFile, 'utf8').trim());
  return made;
}

function extract(commit: string): Command {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-previous-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const archive = join(folder, 'release.tar');
  try {
    const args = ['archive', '--output', archive, commit, 'src', 'package.json'];
    execFileSync('git', args, { cwd: projectRoot, stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    throw new Error(`the previous release ${commit} is not here: fetch the whole history (git fetch --unshallow)`, {
      cause: error,
    });
  }
  execFileSync('tar', ['-xf', archive, '-C', folder]);
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));
  return [process.execPath, join(folder, 'src', 'main.ts')];
}
