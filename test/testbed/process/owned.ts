/** Folders that belong to a running process, and the removal of those whose owner has died. */

import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes a new folder `<prefix><process ID>-<n>` in `parent`, after removing those of processes that no longer run: a
 * run that was killed could not tidy up, and an etcd leaves 64 MiB each time.
 */
export function makeOwnedFolder(parent: string, prefix: string): string {
  mkdirSync(parent, { recursive: true });
  removeOrphans(parent, prefix);
  for (let n = 1; ; n++) {
    const folder = join(parent, `${prefix}${process.pid}-${n}`);
    try {
      mkdirSync(folder, { mode: 0o700 });
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function removeOrphans(parent: string, prefix: string): void {
  for (const entry of readdirSync(parent)) {
    const owner = entry.startsWith(prefix) ? /^(\d+)-\d+$/.exec(entry.slice(prefix.length))?.[1] : undefined;
    if (owner !== undefined && !isRunning(Number(owner))) {
      rmSync(join(parent, entry), { recursive: true, force: true });
    }
  }
}

/** Whether a process with this ID exists. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
