/** Two controllers and a machine's agent, each at a door of its own, so that each can be stopped at any request. */

import { expect } from 'chai';
import type { ControllerProcess } from '../../testbed/controller/controller.ts';
import type { Machine } from '../../testbed/machine/machine.ts';
import type { Hold } from '../../testbed/proxy/hold.ts';
import type { ApiProxy } from '../../testbed/proxy/proxy.ts';
import { Harbour, SOON } from './harbour.ts';
import { MACHINE, type Moment } from './moments.ts';

interface Replica {
  process: ControllerProcess;
  door: ApiProxy;
}

/** What a machine's reboots have come to. */
interface Tally {
  boots: number;
  orders: number;
  attemptIDs: readonly string[];
}

export class Pair {
  readonly h: Harbour;
  readonly machine: Machine;
  /** Where the agent asks. */
  readonly agentDoor: ApiProxy;
  #replicas: readonly [leader: Replica, standby: Replica];

  private constructor(h: Harbour, machine: Machine, agentDoor: ApiProxy, replicas: readonly [Replica, Replica]) {
    this.h = h;
    this.machine = machine;
    this.agentDoor = agentDoor;
    this.#replicas = replicas;
  }

  static async open(): Promise<Pair> {
    const h = await Harbour.open();
    const agentDoor = await h.bed.proxy();
    await h.addSpareNode();
    const machine = await h.addMachine(MACHINE, { proxy: agentDoor });
    const replica = async (): Promise<Replica> => {
      const door = await h.bed.proxy();
      return { door, process: await h.startController({ proxy: door }) };
    };
    const leader = await replica();
    await leader.process.waitForLog('"leading"', { timeoutMs: SOON });
    const standby = await replica();
    await standby.process.waitUntilReady();
    await h.applyPolicy();
    await h.untilPhase(MACHINE, 'Idle');
    return new Pair(h, machine, agentDoor, [leader, standby]);
  }

  async close(): Promise<void> {
    await this.h.close();
  }

  get leader(): ControllerProcess {
    return this.#replicas[0].process;
  }

  get standby(): ControllerProcess {
    return this.#replicas[1].process;
  }

  /**
   * Has the machine require a reboot, with a pod to be moved, and stops the attempt at that moment; with `holdAnswer`
   * right after it, when only the one who asked does not know yet.
   */
  async stopAt({ whose, request }: Moment, how: 'hold' | 'holdAnswer' = 'hold'): Promise<Hold> {
    await this.#addPod();
    const door = whose === 'agent' ? this.agentDoor : this.#replicas[0].door;
    const hold = door[how](request);
    this.requireReboot();
    await hold.arrived();
    return hold;
  }

  requireReboot(): void {
    // Without a reason of its own it would be the sentinel of the last reboot, which persists.
    this.machine.requireReboot([`linux-image-${this.machine.bootIds.length}`]);
  }

  /**
   * Has the standby take over from a leader that does not renew its Lease any more. To save the 15 s that others wait
   * for such a leader by themselves, the Lease is vacated as a leader that ends does it.
   */
  async takeOver(): Promise<void> {
    const lines = this.standby.log().length;
    const vacant = JSON.stringify({ spec: { holderIdentity: '' } });
    await this.h.kubectl('-n', 'drydock', 'patch', 'lease', 'drydock-leader', '--type=merge', '-p', vacant);
    await this.untilTakenOver(lines);
  }

  /** Waits until the standby has claimed the lock, which it has said after that many lines of its log. */
  async untilTakenOver(lines: number): Promise<void> {
    await this.standby.waitForLog('"claimed the cluster lock"', { timeoutMs: SOON, after: lines });
    const [leader, standby] = this.#replicas;
    this.#replicas = [standby, leader];
  }

  /** What there has been until now, to be compared with what there is after one more reboot. */
  tally(): Tally {
    const { bootIds, rebooter } = this.machine;
    return { boots: bootIds.length, orders: rebooter.orders.length, attemptIDs: this.#attemptIDs() };
  }

  /**
   * Waits until the machine is back, and judges that it has been rebooted exactly once since then, by one attempt, for
   * which its rebooter was given so many orders.
   */
  async assertRebootedOnce(
    { boots, orders, attemptIDs }: Tally,
    attemptID: string | undefined,
    given = 1,
  ): Promise<void> {
    await this.h.untilBack(this.machine, boots);
    expect(this.machine.rebooter.orders.length - orders, 'orders').to.equal(given);
    const [last, ...before] = this.#attemptIDs();
    expect(before, 'attempts in the history').to.deep.equal(attemptIDs.slice(0, 9));
    expect(last, 'the attempt that was under way').to.equal(attemptID ?? last);
    expect(this.h.nodeReboot(MACHINE)?.status?.history?.[0]?.outcome).to.equal('Rebooted');
    this.h.assertInvariants();
  }

  /** The attempt that is under way; undefined before it has begun and after it was cleared. */
  attemptID(): string | undefined {
    return this.h.nodeReboot(MACHINE)?.spec.attempt?.id;
  }

  #attemptIDs(): string[] {
    return this.h.nodeReboot(MACHINE)?.status?.history?.map(({ attemptID }) => attemptID) ?? [];
  }

  /** A pod that a drain has to move, and that nobody makes again. */
  async #addPod(): Promise<void> {
    const name = `pod-${this.machine.bootIds.length}`;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Other', name: 'other', uid: 'none', controller: true }];
    const spec = { nodeName: MACHINE, containers: [{ name: 'main', image: 'example.invalid/main' }] };
    await this.h.bed.api.json('/api/v1/namespaces/default/pods', {
      method: 'POST',
      body: { metadata: { name, ownerReferences }, spec },
    });
  }
}

/** One pair for all tests of a file, each of which leaves it as it was; after one that failed the next gets another. */
export function pairForAll(): () => Pair {
  let pair: Pair | undefined;
  const close = async (): Promise<void> => {
    const open = pair;
    pair = undefined;
    await open?.close();
  };
  beforeEach(async () => {
    pair ??= await Pair.open();
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    console.error(pair?.h.timeline.print());
    await close();
  });
  after(close);
  return () => {
    if (pair === undefined) throw new Error('there is no pair outside a test');
    return pair;
  };
}
