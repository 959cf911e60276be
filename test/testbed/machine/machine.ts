/**
 * The stand-in for a real machine behind a node that kwok plays: the files that an agent reads, the rebooter that it
 * gives its orders to, and the agent, a process that dies with each reboot and comes back after it.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeOptions } from '../kwok/kwok.ts';
import { type Command, drydock } from '../process/program.ts';
import type { SupervisedProcess } from '../process/supervised.ts';
import { sleep, waitFor } from '../process/wait.ts';
import type { ApiProxy } from '../proxy/proxy.ts';
import type { TestBed } from '../testbed.ts';
import { startAgent } from './agent.ts';
import { MachineFiles } from './files.ts';
import { Rebooter } from './rebooter.ts';

/** A reboot takes about 2 s plus its duration; an API server that is down meanwhile prolongs it. */
const REBOOT_TIMEOUT_MS = 120_000;

/** How long what runs on the machine still lives after the order, in milliseconds. On real ones it is up to 90 s. */
const SHUTDOWN_MS = 100;

export interface MachineOptions extends NodeOptions {
  /** Time between going down and coming back, in whole seconds. Default 1. */
  rebootSeconds?: number;
  /** Time since the boot before the test, in seconds. Default 86,400. */
  uptimeSeconds?: number;
  /** Whether an agent runs from the beginning. Default true. */
  agent?: boolean;
  /** More arguments for the agent. */
  agentArgs?: readonly string[];
  /** The door at which the agent asks the API server. Default: the API server itself. */
  proxy?: ApiProxy;
  /** The program that `agent` is an argument of. Default: Drydock from source. */
  program?: Command;
}

export class Machine {
  readonly name: string;
  readonly files: MachineFiles;
  /** Boot IDs, the first boot's first. One more than the number of reboots that are done. */
  readonly bootIds: string[] = [];
  /** While true, a reboot goes down and does not come back until `powerOn`. */
  staysDown = false;
  readonly #bed: TestBed;
  readonly #options: MachineOptions;
  readonly #folder: string;
  #rebooter: Rebooter | undefined;
  #agent: SupervisedProcess | undefined;
  #agentWanted = false;
  #rebooting: Promise<void> | undefined;
  #closed = false;

  private constructor(bed: TestBed, name: string, folder: string, options: MachineOptions) {
    this.#bed = bed;
    this.name = name;
    this.#folder = folder;
    this.#options = options;
    this.files = new MachineFiles(folder);
  }

  /** Creates the node and what is behind it; its agent has been started, which does not mean that it is ready. */
  static async create(bed: TestBed, name: string, options: MachineOptions = {}): Promise<Machine> {
    const folder = join(bed.folder, 'machines', name);
    mkdirSync(folder, { recursive: true });
    const node = await bed.createNode(name, options);
    const machine = new Machine(bed, name, folder, options);
    machine.#booted(node.status?.nodeInfo?.bootID, options.uptimeSeconds ?? 86_400);
    machine.#rebooter = await Rebooter.listen(join(folder, 'sock'), machine);
    bed.onStop(() => machine.close());
    if (options.agent !== false) await machine.startAgent();
    return machine;
  }

  get rebooter(): Rebooter {
    if (this.#rebooter === undefined) throw new Error(`machine ${this.name} has no rebooter yet`);
    return this.#rebooter;
  }

  /** The boot ID of now. */
  get bootId(): string {
    return this.files.bootId;
  }

  /** Path of the agent's log, of all its runs. */
  get agentLogFile(): string {
    return join(this.#folder, 'agent.log');
  }

  /** The agent's process, if it has been started and not been killed. */
  get agent(): SupervisedProcess | undefined {
    return this.#agent;
  }

  /** What a package manager does after installing a kernel. */
  requireReboot(packages: readonly string[] = []): void {
    if (packages.length > 0) writeFileSync(this.files.packages, packages.map((name) => `${name}\n`).join(''));
    writeFileSync(this.files.sentinel, '*** System restart required ***\n');
  }

  clearSentinel(): void {
    rmSync(this.files.sentinel, { force: true });
    rmSync(this.files.packages, { force: true });
  }

  /** Starts the agent, with a new token that is bound to the node. It is started again after each reboot. */
  async startAgent(): Promise<void> {
    this.#agentWanted = true;
    if (this.#agent?.running) throw new Error(`the agent of ${this.name} is already running`);
    this.#agent = await startAgent(this.#bed, this, this.#options.program ?? drydock, this.#options);
  }

  /** Kills the agent (SIGKILL); it stays dead, also after a reboot, until `startAgent`. */
  async killAgent(): Promise<void> {
    this.#agentWanted = false;
    await this.#stopAgent();
  }

  /** Stops the agent in its tracks (SIGSTOP): it does not know that time passes, and its connections stay open. */
  freezeAgent(): void {
    this.#agent?.signal('SIGSTOP');
  }

  /** Lets a frozen agent go on (SIGCONT). */
  thawAgent(): void {
    this.#agent?.signal('SIGCONT');
  }

  /** Reboots, as if somebody had pressed the button; resolves when the machine and its agent are back. */
  async reboot(): Promise<void> {
    this.beginReboot();
    await this.settled();
  }

  /** Begins a reboot; does nothing if one is under way. */
  beginReboot(): void {
    if (this.#rebooting !== undefined || this.#closed) return;
    this.#rebooting = this.#runReboot().finally(() => {
      this.#rebooting = undefined;
    });
    // Who waits by `settled` gets the error; without anybody waiting it must not end the test runner.
    this.#rebooting.catch((error: Error) => {
      if (!this.#closed) console.error(`machine ${this.name}: ${error.message}`);
    });
  }

  /** Whether a reboot is under way. */
  get rebooting(): boolean {
    return this.#rebooting !== undefined;
  }

  /** Resolves when no reboot is under way; rejects if the one under way fails. */
  async settled(): Promise<void> {
    await this.#rebooting;
  }

  /** Has a machine that `staysDown` come back. */
  async powerOn(): Promise<void> {
    this.staysDown = false;
    await this.#annotate({ 'test/reboot-duration': this.#duration() });
    await this.settled();
  }

  /** Takes the machine away for good, with its Node: what a cluster autoscaler does. */
  async remove(): Promise<void> {
    await this.close();
    await this.#bed.core.deleteNode({ name: this.name });
  }

  /** Ends what runs for this machine. Its node stays, and the bed does this by itself. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#agentWanted = false;
    this.files.close();
    await this.#stopAgent();
    await this.#rebooter?.close();
  }

  async #runReboot(): Promise<void> {
    await sleep(SHUTDOWN_MS);
    await this.#stopAgent();
    this.files.emptyRun();
    await this.#annotate({ 'test/reboot': 'requested', 'test/reboot-duration': this.#duration() });
    this.#booted(await this.#newBootId(), 0);
    if (this.#agentWanted) await this.startAgent();
  }

  async #newBootId(): Promise<string> {
    const changed = async (): Promise<string | undefined> => {
      if (this.#closed) throw new Error('the machine was closed');
      const node = await this.#bed.core.readNode({ name: this.name });
      const bootId = node.status?.nodeInfo?.bootID;
      return bootId === this.bootIds.at(-1) ? undefined : bootId;
    };
    const options = {
      // A machine that stays down is waited for as long as the test likes.
      timeoutMs: this.staysDown ? 24 * 3_600_000 : REBOOT_TIMEOUT_MS,
      giveUp: () => (this.#closed ? 'the machine was closed' : undefined),
    };
    return waitFor(`a new boot ID of node ${this.name}`, changed, options);
  }

  #booted(bootId: string | undefined, uptimeSeconds: number): void {
    if (!bootId) throw new Error(`node ${this.name} has no boot ID`);
    this.bootIds.push(bootId);
    this.files.boot(bootId, uptimeSeconds);
  }

  /** A duration as kwok reads it. */
  #duration(): string {
    return this.staysDown ? '24h' : `${this.#options.rebootSeconds ?? 1}s`;
  }

  async #annotate(annotations: Record<string, string>): Promise<void> {
    const patch = async (): Promise<object> =>
      this.#bed.api.json(`/api/v1/nodes/${this.name}`, {
        method: 'PATCH',
        contentType: 'application/merge-patch+json',
        body: { metadata: { annotations } },
      });
    // A machine goes down whether or not there is an API server to tell.
    await waitFor(`the annotation of node ${this.name}`, patch, {
      timeoutMs: REBOOT_TIMEOUT_MS,
      giveUp: () => (this.#closed ? 'the machine was closed' : undefined),
    });
  }

  async #stopAgent(): Promise<void> {
    await this.#agent?.kill();
    this.#agent = undefined;
  }
}
