import { constants, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Sentinel } from '../core/agent.ts';
import type { Log } from '../telemetry/log.ts';
import { DirectoryWatch, type WatchFiles } from './directoryWatch.ts';
import type { Sentinels } from './ports.ts';

/** As many reasons as a NodeReboot takes. */
const MOST_REASONS = 64;
/** So much of a list of reasons is read; what is beyond it is not looked at. Bytes. */
const LONGEST_LIST = 64 * 1024;

/** Sentinel files, any one of which requires a reboot. Beside each, a file of the same name with `.pkgs` may say why. */
export class SentinelFiles implements Sentinels {
  readonly #paths: readonly string[];
  readonly #log: Log;
  readonly #watchFiles: { watchFiles?: WatchFiles };
  #watches: readonly DirectoryWatch[] = [];

  constructor(paths: readonly string[], log: Log, watchFiles?: WatchFiles) {
    this.#paths = paths;
    this.#log = log;
    this.#watchFiles = watchFiles === undefined ? {} : { watchFiles };
  }

  /** Watches first and reads then, so that nothing is missed between the two. */
  async read(): Promise<Sentinel> {
    await Promise.all(this.#watches.map((watch) => watch.renew()));
    const found = (await Promise.all(this.#paths.map(readSentinel))).filter((sentinel) => sentinel !== null);
    if (found.length === 0) return { required: false, changed: '', placed: '', reasons: [] };
    const reasons = [...new Set(found.flatMap((sentinel) => sentinel.reasons))].sort().slice(0, MOST_REASONS);
    return {
      required: true,
      changed: new Date(Math.max(...found.map(({ changed }) => changed))).toISOString(),
      placed: new Date(Math.min(...found.map(({ placed }) => placed))).toISOString(),
      reasons,
    };
  }

  /** Begins with the next `read`, and goes on after each one. */
  watch(onChange: () => void, signal: AbortSignal): void {
    const directories = [...new Set(this.#paths.map((path) => dirname(path)))];
    this.#watches = directories.map((directory) => {
      const files = this.#paths.filter((path) => dirname(path) === directory).map((path) => basename(path));
      const names = new Set(files.flatMap((file) => [file, `${file}.pkgs`]));
      return new DirectoryWatch({ directory, names, onChange, log: this.#log, ...this.#watchFiles });
    });
    signal.addEventListener('abort', () => {
      for (const watch of this.#watches) watch.close();
    });
  }
}

interface Found {
  /** Epoch ms of the latest change of it or its list. */
  changed: number;
  /** Epoch ms of the kernel's own stamp of the sentinel, which nobody can set: it was there then at the latest. */
  placed: number;
  reasons: string[];
}

async function readSentinel(path: string): Promise<Found | null> {
  const sentinel = await ifThere(stat(path));
  if (sentinel === null) return null;
  const list = await ifThere(readList(`${path}.pkgs`));
  return {
    changed: Math.max(sentinel.mtimeMs, list?.stats.mtimeMs ?? 0),
    placed: sentinel.ctimeMs,
    reasons: list?.reasons ?? [],
  };
}

/** Without waiting for whoever might write to it, should it be a pipe. */
async function readList(path: string): Promise<{ stats: Stats; reasons: string[] }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(LONGEST_LIST, stats.size)), 0);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    if (stats.size > bytesRead) lines.pop();
    const reasons = lines.map((line) => line.replace(/\p{Cc}/gu, ' ').trim());
    return { stats, reasons: reasons.filter((line) => line !== '') };
  } finally {
    await file.close();
  }
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
