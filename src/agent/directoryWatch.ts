import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { errorFields, type Log } from '../telemetry/log.ts';

/** `watch` of node:fs, as far as it is used here. */
export type WatchFiles = (path: string, options: { persistent: boolean }) => FSWatcher;

export interface DirectoryWatchOptions {
  directory: string;
  /** The files of the directory that matter, by name. */
  names: ReadonlySet<string>;
  onChange: () => void;
  log: Log;
  watchFiles?: WatchFiles;
}

/**
 * Tells of what happens to some files of a directory. It watches the directory and not the files, which come and go;
 * and it has to be renewed from time to time, since the directory may be missing at first or be replaced as well.
 */
export class DirectoryWatch {
  readonly #options: Required<DirectoryWatchOptions>;
  #watcher: FSWatcher | null = null;
  /** Which directory is watched, by device and inode. */
  #watched = '';
  #complained = false;
  #closed = false;

  constructor(options: DirectoryWatchOptions) {
    this.#options = { watchFiles: watch, ...options };
  }

  /** Watches the directory that is there now, unless it does already. A failure is logged, once until it is over. */
  async renew(): Promise<void> {
    try {
      const { dev, ino } = await stat(this.#options.directory);
      if (!this.#closed && this.#watched !== `${dev}:${ino}`) this.#begin(`${dev}:${ino}`);
    } catch (error) {
      this.#failed(error);
    }
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  #begin(identity: string): void {
    this.#end();
    const { directory, names, onChange, log, watchFiles } = this.#options;
    const watcher = watchFiles(directory, { persistent: false });
    watcher.on('change', (_event, name) => {
      if (this.#watcher !== watcher) return;
      // What happens to the directory itself comes under its own name; another may take its place.
      const itself = name === null || name === basename(directory);
      if (itself) this.#end();
      if (itself || names.has(String(name))) onChange();
    });
    watcher.on('error', (error) => this.#failed(error));
    this.#watcher = watcher;
    this.#watched = identity;
    if (this.#complained) log.info('the directory of a sentinel is watched again', { directory });
    this.#complained = false;
  }

  #end(): void {
    this.#watcher?.close();
    this.#watcher = null;
    this.#watched = '';
  }

  #failed(error: unknown): void {
    this.#end();
    if (this.#complained || this.#closed) return;
    this.#complained = true;
    const { directory, log } = this.#options;
    const message = 'the directory of a sentinel cannot be watched; it is looked at once a minute';
    log.warn(message, { directory, ...errorFields(error) });
  }
}
