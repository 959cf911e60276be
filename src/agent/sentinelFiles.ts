import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Sentinel } from '../core/agent.ts';
import type { Sentinels } from './ports.ts';

/** As many reasons as a NodeReboot takes. */
const MOST_REASONS = 64;

/** Sentinel files, any one of which requires a reboot. Beside each, a file of the same name with `.pkgs` may say why. */
export class SentinelFiles implements Sentinels {
  readonly #paths: readonly string[];

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  async read(): Promise<Sentinel> {
    const found = (await Promise.all(this.#paths.map(readSentinel))).filter((sentinel) => sentinel !== null);
    if (found.length === 0) return { required: false, changed: '', reasons: [] };
    const reasons = [...new Set(found.flatMap((sentinel) => sentinel.reasons))].sort().slice(0, MOST_REASONS);
    return {
      required: true,
      changed: new Date(Math.max(...found.map(({ changed }) => changed))).toISOString(),
      reasons,
    };
  }

  /** What happens in a directory that is not there yet, or was replaced, is seen by the agent's slow poll. */
  watch(onChange: () => void, signal: AbortSignal): void {
    for (const directory of new Set(this.#paths.map((path) => dirname(path))))
      watchDirectory(directory, onChange, signal);
  }
}

interface Found {
  /** Epoch ms of the latest change. */
  changed: number;
  reasons: string[];
}

async function readSentinel(path: string): Promise<Found | null> {
  const sentinel = await ifThere(stat(path));
  if (sentinel === null) return null;
  const because = `${path}.pkgs`;
  const [list, text] = await Promise.all([ifThere(stat(because)), ifThere(readFile(because, 'utf8'))]);
  const reasons = (text ?? '').split('\n').map((line) => line.replace(/\p{Cc}/gu, ' ').trim());
  return { changed: Math.max(sentinel.mtimeMs, list?.mtimeMs ?? 0), reasons: reasons.filter((line) => line !== '') };
}

/** Watches until the signal aborts; ends quietly where the directory is missing or goes away. */
function watchDirectory(directory: string, onChange: () => void, signal: AbortSignal): void {
  let watcher: FSWatcher;
  try {
    watcher = watch(directory, { signal, persistent: false });
  } catch {
    return;
  }
  watcher.on('change', onChange);
  watcher.on('error', () => watcher.close());
}

/** Only "it is not there" is an answer; anything else is not known, and thrown. */
async function ifThere<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
