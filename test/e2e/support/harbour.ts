/** A test bed with Drydock installed, and what the end-to-end tests say to it and ask of it. */

import type { RebootPolicySpec } from '../../../src/api/generated/rebootpolicy.ts';
import type { Condition, KubeObject } from '../../../src/api/objects.ts';
import type { NodeReboot, RebootPolicy } from '../../../src/core/model.ts';
import { checkInvariants, type Limits } from '../../invariants/invariants.ts';
import type { ControllerOptions, ControllerProcess } from '../../testbed/controller/controller.ts';
import type { Machine, MachineOptions } from '../../testbed/machine/machine.ts';
import type { OrderBehaviour } from '../../testbed/machine/rebooter.ts';
import { waitFor } from '../../testbed/process/wait.ts';
import { TestBed } from '../../testbed/testbed.ts';
import type { Timeline, TimelineEntry } from '../../testbed/timeline/timeline.ts';

import { type Scene, type SceneOptions, setScene } from './scene.ts';
import { deploy, podsOn, type Workload } from './workload.ts';

/** How long anything may take that takes a few seconds on an idle machine, in milliseconds. */
export const SOON = 60_000;

export interface ControllerSettings extends ControllerOptions {
  /** The cap over all policies, in nodes. Default 1. */
  maxDisrupted?: number;
}

/** One test's cluster: machines, a controller, and the record of what happened. */
export class Harbour {
  readonly bed: TestBed;
  readonly timeline: Timeline;
  readonly machines: Machine[] = [];
  readonly #controllers: ControllerProcess[] = [];
  #limits: Limits = { maxDisrupted: 1 };

  private constructor(bed: TestBed, timeline: Timeline) {
    this.bed = bed;
    this.timeline = timeline;
  }

  static async open(): Promise<Harbour> {
    const bed = await TestBed.start();
    await bed.installDrydock();
    return new Harbour(bed, await bed.timeline());
  }

  async close(): Promise<void> {
    await this.bed.stop();
  }

  /** Nodes that stay out of it, so that there is always somewhere to go for pods: they have no agent. */
  async addSpareNode(name = 'spare'): Promise<void> {
    await this.bed.createNode(name, { labels: { role: 'spare' } });
  }

  async addMachine(name: string, options: MachineOptions = {}): Promise<Machine> {
    const machine = await this.bed.machine(name, { ...options, labels: { role: 'worker', ...options.labels } });
    this.machines.push(machine);
    return machine;
  }

  /** A spare node, machines, controllers and a policy: what most tests begin with. */
  async begin(options: SceneOptions = {}): Promise<Scene> {
    return await setScene(this, options);
  }

  /** What `begin` makes, with a first machine that is cordoned and whose drain is held until `letDrain`. */
  async beginDrain(options: SceneOptions = {}): Promise<Scene> {
    const scene = await this.begin({ ...options, held: true });
    scene.machine.requireReboot();
    await this.untilVerdict(scene.machine.name, 'DrainBlocked');
    return scene;
  }

  /** What `begin` makes, with a first machine whose rebooter has been given its order. */
  async beginReboot(options: SceneOptions & { onOrder: OrderBehaviour }): Promise<Scene> {
    const scene = await this.begin(options);
    scene.machine.rebooter.onOrder = options.onOrder;
    scene.machine.requireReboot();
    await this.untilOrdered(scene.machine);
    return scene;
  }

  /** Lets go what a scene holds. */
  async letDrain(): Promise<void> {
    await this.kubectl('delete', 'pdb', 'db');
  }

  /** A machine requires a reboot and gets it. */
  async reboot(machine: Machine, packages: readonly string[] = []): Promise<void> {
    const reboots = machine.bootIds.length;
    machine.requireReboot(packages);
    await this.untilBack(machine, reboots);
  }

  async startController(options: ControllerSettings = {}): Promise<ControllerProcess> {
    const { maxDisrupted = 1, ...rest } = options;
    this.#limits = { ...this.#limits, maxDisrupted };
    const args = ['--max-disrupted', String(maxDisrupted), '--log-level', 'debug', ...(rest.args ?? [])];
    const controller = await this.bed.controller({ ...rest, args });
    this.#controllers.push(controller);
    return controller;
  }

  /** Applies a policy over the workers that does not wait for anything, but for what the test asks. */
  async applyPolicy(spec: Partial<RebootPolicySpec> = {}, name = 'workers'): Promise<void> {
    const all: RebootPolicySpec = {
      nodeSelector: { matchLabels: { role: 'worker' } },
      mode: 'Enforce',
      settle: '0s',
      ...spec,
    };
    await this.bed.apply(
      JSON.stringify({ apiVersion: 'drydock.dev/v1alpha1', kind: 'RebootPolicy', metadata: { name }, spec: all }),
    );
  }

  /** kubectl as the admin; throws what it says against it. */
  async kubectl(...args: string[]): Promise<string> {
    const { stdout, stderr, code } = await this.bed.kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async annotate(what: string, name: string, annotation: string): Promise<void> {
    await this.kubectl('annotate', what, name, annotation, '--overwrite');
  }

  /** The first entry, past or future, that satisfies the predicate. */
  async until(what: string, predicate: (entry: TimelineEntry) => boolean, from = 0): Promise<TimelineEntry> {
    return await this.timeline.until(predicate, { timeoutMs: SOON, what, from });
  }

  /** Waits until a node's reboot has this verdict, which is written a moment after it is reached. */
  async untilVerdict(node: string, code: string, from = 0): Promise<TimelineEntry> {
    return await this.until(
      `verdict ${code} of ${node}`,
      ({ kind, name, object }) => kind === 'NodeReboot' && name === node && statusOf(object)?.verdict?.code === code,
      from,
    );
  }

  async untilPhase(node: string, phase: string, from = 0): Promise<TimelineEntry> {
    return await this.until(
      `phase ${phase} of ${node}`,
      ({ kind, name, object }) => kind === 'NodeReboot' && name === node && statusOf(object)?.phase === phase,
      from,
    );
  }

  /** Waits until the agent of a node has reported for the first time. */
  async untilReported(node: string): Promise<void> {
    await this.until(
      `the report of ${node}`,
      ({ kind, name, object }) =>
        kind === 'NodeReboot' && name === node && (object as unknown as NodeReboot).status?.agent !== undefined,
    );
  }

  /** Waits until the rebooter has been given its first order. */
  async untilOrdered({ name, rebooter }: Machine): Promise<void> {
    await waitFor(`the order of ${name}`, () => rebooter.orders.length > 0, { timeoutMs: SOON });
  }

  /** Waits until an annotation of a NodeReboot is gone. */
  async untilGone(node: string, annotation: string): Promise<void> {
    const gone = () => this.nodeReboot(node)?.metadata.annotations?.[annotation] === undefined;
    await waitFor(`the end of ${annotation} of ${node}`, gone, { timeoutMs: SOON });
  }

  /** Waits until the verdict of a node has exactly these codes. */
  async untilBlockers(node: string, codes: readonly string[]): Promise<void> {
    const found = () => {
      const verdict = this.nodeReboot(node)?.status?.verdict;
      const blockers = verdict?.blockers?.map(({ code }) => code) ?? [verdict?.code];
      return blockers.join() === codes.join();
    };
    await waitFor(`blockers ${codes} of ${node}`, async () => found() || undefined, { timeoutMs: SOON });
  }

  /** Waits until a policy's condition has this status and reason. */
  async untilPolicy(type: string, status: string, reason: string, name = 'workers'): Promise<Condition> {
    const find = async () => {
      const policy = JSON.parse(await this.kubectl('get', 'rbp', name, '-o', 'json')) as RebootPolicy;
      return policy.status?.conditions?.find(
        (one) => one.type === type && one.status === status && one.reason === reason,
      );
    };
    return await waitFor(`condition ${type}=${status} (${reason}) of ${name}`, find, { timeoutMs: SOON });
  }

  /** Waits until this process's wall clock shows the instant, which is at most a minute away. */
  async waitUntilClock(instant: Date): Promise<void> {
    await waitFor(`${instant.toISOString()}`, async () => Date.now() >= instant.getTime() || undefined, {
      timeoutMs: SOON,
    });
  }

  async deploy(workload: Workload): Promise<void> {
    await deploy(this, workload);
  }

  async podsOn(node: string): Promise<string[]> {
    return await podsOn(this, node);
  }

  /** The epochs that the lock has had. */
  epochs(): number[] {
    const locks = this.timeline
      .ordered('Lease', 'drydock-lock')
      .map(({ object }) => (object as unknown as KubeObject).metadata);
    return [...new Set(locks.map(({ annotations }) => Number(annotations?.['drydock.dev/epoch'])))];
  }

  /** Waits until the machine has been rebooted so many times in all and its slot is free, cordoned or not. */
  async untilRebooted(machine: Machine, reboots: number): Promise<void> {
    const done = () => machine.bootIds.length === reboots + 1 && this.isIdle(machine.name);
    await waitFor(`${machine.name} after ${reboots} reboots`, async () => done() || undefined, { timeoutMs: SOON });
  }

  /** Waits until the machine has been rebooted so many times in all, its node is back in service, and its slot is free. */
  async untilBack(machine: Machine, reboots: number): Promise<void> {
    const done = () =>
      machine.bootIds.length === reboots + 1 && !this.isCordoned(machine.name) && this.isIdle(machine.name);
    await waitFor(`${machine.name} back after ${reboots} reboots`, async () => done() || undefined, {
      timeoutMs: SOON,
    });
  }

  nodeReboot(name: string): NodeReboot | undefined {
    return this.timeline.latest('NodeReboot', name) as unknown as NodeReboot | undefined;
  }

  isCordoned(node: string): boolean {
    const latest = this.timeline.latest('Node', node) as { spec?: { unschedulable?: boolean } } | undefined;
    return latest?.spec?.unschedulable === true;
  }

  /** The machines in the order in which their new boot IDs appeared, by name; kwok's first guesses are no boots. */
  rebootedInOrder(): string[] {
    const boots = new Map(
      this.machines.flatMap(({ name, bootIds }) => bootIds.slice(1).map((bootID) => [bootID, name])),
    );
    const seen = this.timeline.ordered('Node').map(({ object }) => bootIDOf(object) ?? '');
    return [...new Set(seen)].flatMap((bootID) => boots.get(bootID) ?? []);
  }

  /** Whether the node has no attempt and no slot. */
  isIdle(node: string): boolean {
    return this.nodeReboot(node)?.spec.attempt === undefined && !this.slots().includes(node);
  }

  /** The nodes that have a slot now. */
  slots(): string[] {
    const lock = this.timeline.latest('Lease', 'drydock-lock', 'drydock') as KubeObject | undefined;
    const annotations = lock?.metadata.annotations ?? {};
    const slots = JSON.parse(annotations['drydock.dev/slots'] ?? '[]') as { node: string }[];
    return slots.map(({ node }) => node);
  }

  /** Has nothing disrupted any more, and waits until nothing is. */
  async calm(): Promise<void> {
    await this.kubectl('delete', 'rbp', '--all');
    const isCalm = () => this.slots().length === 0 && this.machines.every(({ name }) => this.isIdle(name));
    await waitFor('a calm', async () => isCalm() || undefined, { timeoutMs: SOON });
  }

  /** What follows in the record is forged by the test, and cannot be judged as Drydock's. */
  forgeFromNow(): void {
    this.#limits = { forgedFrom: this.timeline.mark(), ...this.#limits };
  }

  /** Ends the test: everything at rest, and nothing that happened broke an invariant. */
  assertInvariants(): void {
    checkInvariants(this.timeline.ordered(), this.#limits);
  }
}

function bootIDOf(node: object): string | undefined {
  return (node as { status?: { nodeInfo?: { bootID?: string } } }).status?.nodeInfo?.bootID;
}

interface Status {
  phase?: string;
  agent?: { rebootRequired?: boolean };
  verdict?: { code: string; message: string };
}

export function statusOf(object: object): Status | undefined {
  return (object as { status?: Status }).status;
}

/** Sets up one harbour for each test, and judges what happened in it even if the test itself was content. */
export function harbourForEach(): () => Harbour {
  let harbour: Harbour | undefined;
  beforeEach(async () => {
    harbour = await Harbour.open();
  });
  afterEach(async function () {
    const open = harbour;
    harbour = undefined;
    try {
      if (this.currentTest?.state === 'failed') console.error(open?.timeline.print());
      else open?.assertInvariants();
    } finally {
      await open?.close();
    }
  });
  return () => {
    if (harbour === undefined) throw new Error('there is no harbour outside a test');
    return harbour;
  };
}

/**
 * One harbour for all tests of a file. What they leave is ended after each by `tidy`, then by the end of every policy,
 * and judged. After a test that failed the next gets another harbour.
 */
export function harbourForAll(hooks: {
  setUp: (h: Harbour) => Promise<void>;
  tidy: (h: Harbour) => Promise<void>;
}): () => Harbour {
  let harbour: Harbour | undefined;
  const close = async () => {
    const open = harbour;
    harbour = undefined;
    await open?.close();
  };
  beforeEach(async () => {
    if (harbour !== undefined) return;
    harbour = await Harbour.open();
    await hooks.setUp(harbour);
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      console.error(harbour?.timeline.print());
      return await close();
    }
    if (harbour === undefined) return;
    await hooks.tidy(harbour);
    await harbour.calm();
    harbour.assertInvariants();
  });
  after(close);
  return () => {
    if (harbour === undefined) throw new Error('there is no harbour outside a test');
    return harbour;
  };
}
