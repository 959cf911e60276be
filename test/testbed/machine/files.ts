/** The files of a machine that its agent reads: the sentinel's folder, the boot ID, the uptime. */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How often the uptime file is written, in milliseconds. /proc/uptime is exact; a second is near enough. */
const UPTIME_INTERVAL_MS = 1_000;

export class MachineFiles {
  /** Stands for /run. */
  readonly run: string;
  /** Stands for /run/reboot-required. */
  readonly sentinel: string;
  /** Stands for /run/reboot-required.pkgs. */
  readonly packages: string;
  /** Stands for /proc/sys/kernel/random/boot_id. */
  readonly bootIdFile: string;
  /** Stands for /proc/uptime. */
  readonly uptimeFile: string;
  #bootedAt = 0;
  readonly #clock: NodeJS.Timeout;

  constructor(folder: string) {
    this.run = join(folder, 'run');
    this.sentinel = join(this.run, 'reboot-required');
    this.packages = join(this.run, 'reboot-required.pkgs');
    this.bootIdFile = join(folder, 'boot_id');
    this.uptimeFile = join(folder, 'uptime');
    mkdirSync(this.run, { recursive: true });
    this.#clock = setInterval(() => this.#writeUptime(), UPTIME_INTERVAL_MS).unref();
  }

  /** A new boot: /run is empty, the boot ID is new, the uptime counts from `uptimeSeconds`. */
  boot(bootId: string, uptimeSeconds = 0): void {
    this.emptyRun();
    replaceFile(this.bootIdFile, `${bootId}\n`);
    this.#bootedAt = performance.now() - uptimeSeconds * 1_000;
    this.#writeUptime();
  }

  /** Removes what is in /run, and not /run itself: an agent may be watching it. */
  emptyRun(): void {
    for (const entry of readdirSync(this.run)) rmSync(join(this.run, entry), { recursive: true, force: true });
  }

  get bootId(): string {
    return readFileSync(this.bootIdFile, 'utf8').trim();
  }

  /** Stops the clock. */
  close(): void {
    clearInterval(this.#clock);
  }

  #writeUptime(): void {
    const seconds = ((performance.now() - this.#bootedAt) / 1_000).toFixed(2);
    // The second number is the idle time of all processors, which nobody reads.
    replaceFile(this.uptimeFile, `${seconds} ${seconds}\n`);
  }
}

/** Writes a file so that no reader ever sees half of it. */
function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
