import { readFile } from 'node:fs/promises';
import type { NodeFacts } from './ports.ts';

/** Facts of the running kernel, from files as in /proc. */
export class NodeFiles implements NodeFacts {
  readonly #bootIDFile: string;
  readonly #uptimeFile: string;

  constructor(bootIDFile: string, uptimeFile: string) {
    this.#bootIDFile = bootIDFile;
    this.#uptimeFile = uptimeFile;
  }

  async bootID(): Promise<string> {
    const bootID = (await readFile(this.#bootIDFile, 'utf8')).trim();
    if (bootID === '') throw new Error(`${this.#bootIDFile} is empty`);
    return bootID;
  }

  async uptime(): Promise<number> {
    const seconds = Number.parseFloat(await readFile(this.#uptimeFile, 'utf8'));
    if (!Number.isFinite(seconds) || seconds < 0)
      throw new Error(`${this.#uptimeFile} does not begin with a number of seconds`);
    return seconds;
  }
}
