/** One harbour with one controller for all tests of a file, each of which has machines of its own. */

import type { ControllerProcess } from '../../testbed/controller/controller.ts';
import type { Machine, MachineOptions } from '../../testbed/machine/machine.ts';
import { waitFor } from '../../testbed/process/wait.ts';
import { type ControllerSettings, Harbour, SOON } from './harbour.ts';

export class SharedHarbour {
  readonly h: Harbour;
  readonly controller: ControllerProcess;
  #made = 0;

  private constructor(h: Harbour, controller: ControllerProcess) {
    this.h = h;
    this.controller = controller;
  }

  static async open(settings: ControllerSettings): Promise<SharedHarbour> {
    const h = await Harbour.open();
    await h.addSpareNode();
    return new SharedHarbour(h, await h.startController(settings));
  }

  /** Machines under names that none has had before, whose agents have reported. A policy must select them. */
  async addMachines(count: number, options: MachineOptions = {}): Promise<Machine[]> {
    const machines: Machine[] = [];
    for (let i = 0; i < count; i += 1) {
      this.#made += 1;
      machines.push(await this.h.addMachine(`n${this.#made}`, options));
    }
    for (const { name } of machines) await this.h.untilReported(name);
    return machines;
  }

  async addMachine(options: MachineOptions = {}): Promise<Machine> {
    const [machine] = await this.addMachines(1, options);
    return machine as Machine;
  }

  /** What the controller has said with this message about this attempt or, without one, about this node. */
  said(message: string, about: Record<string, unknown>): Readonly<Record<string, unknown>>[] {
    const lines = this.controller.log(({ fields }) => fields.message === message).map(({ fields }) => fields);
    return lines.filter((fields) => Object.entries(about).every(([name, value]) => fields[name] === value));
  }

  /** Takes away what a test has made. */
  async clear(): Promise<void> {
    const { h } = this;
    await h.kubectl('delete', 'deployments,pdb', '--all', '-n', 'default', '--cascade=foreground', '--timeout=30s');
    for (const machine of h.machines.splice(0)) await machine.close();
    await h.kubectl('delete', 'nodes', '-l', 'role=worker');
    await waitFor('all slots to be free', () => h.slots().length === 0, { timeoutMs: SOON });
    await h.kubectl('delete', 'rbp', '--all', '--timeout=30s');
  }
}

/**
 * One harbour for all tests of a file. What happened in it is judged after each test; after one that failed, the next
 * gets another.
 */
export function sharedHarbour(settings: ControllerSettings = {}): () => SharedHarbour {
  let shared: SharedHarbour | undefined;
  const close = async (): Promise<void> => {
    const open = shared;
    shared = undefined;
    await open?.h.close();
  };
  beforeEach(async () => {
    shared ??= await SharedHarbour.open(settings);
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') {
      shared?.h.assertInvariants();
      await shared?.clear();
      return;
    }
    console.error(shared?.h.timeline.print());
    console.error(shared?.controller.process.logTail());
    await close();
  });
  after(close);
  return () => {
    if (shared === undefined) throw new Error('there is no harbour outside a test');
    return shared;
  };
}
