import { expect } from 'chai';
import type { RebootPolicySpec } from '../../src/api/generated/rebootpolicy.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { slotsOf } from '../invariants/world.ts';
import type { Machine } from '../testbed/machine/machine.ts';
import { waitFor } from '../testbed/process/wait.ts';
import { type Harbour, harbourForAll, SOON, statusOf } from './support/harbour.ts';

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
const OTHERS = ['o1', 'o2', 'o3', 'o4', 'o5', 'o6'];

/** Four machines and six nodes that ask for nothing; reboots stay under way until they are let go. */
describe('the budget', () => {
  const harbour = harbourForAll({
    setUp: async (h) => {
      await h.addSpareNode();
      await Promise.all(OTHERS.map((name) => h.bed.createNode(name, { labels: { crew: 'all' } })));
      for (const name of ['n1', 'n2', 'n3', 'n4']) await h.addMachine(name, { labels: { crew: 'all' } });
      await h.startController({ maxDisrupted: 5 });
    },
    tidy: async (h) => {
      for (const { rebooter } of h.machines) rebooter.onOrder = 'obey';
      await h.kubectl('uncordon', '--selector=kubernetes.io/os=linux');
      for (const label of ['zone', CONTROL_PLANE]) await h.kubectl('label', 'nodes', '--all', `${label}-`);
    },
  });

  /** Applies a policy under which every machine requires a reboot, and none comes to its end. */
  async function crowd(
    spec: Partial<RebootPolicySpec>,
    crew = 'role=worker',
    before: () => Promise<void> = async () => undefined,
  ): Promise<Crowd> {
    const h = harbour();
    const found = new Crowd(h);
    const [key = '', value = ''] = crew.split('=');
    await h.annotate('namespace', 'drydock', 'drydock.dev/pause=until all have asked');
    await h.applyPolicy({ nodeSelector: { matchLabels: { [key]: value } }, ...spec });
    await before();
    for (const machine of h.machines) {
      machine.rebooter.onOrder = 'hang';
      machine.requireReboot();
      // One after the other, since who has asked first goes first.
      await found.untilAsked(machine.name);
    }
    for (const { name } of h.machines) await found.untilVerdict(name, 'Paused');
    await h.kubectl('annotate', 'namespace', 'drydock', 'drydock.dev/pause-');
    return found;
  }

  const shares: readonly [string, number | string, number, string][] = [
    ['a number of nodes', 2, 2, 'role=worker'],
    ['a share of ten nodes', '30%', 3, 'crew=all'],
  ];
  for (const [what, maxUnavailable, most, crew] of shares) {
    it(`is ${what}: ${maxUnavailable} lets ${most} go at a time, and the others follow`, async () => {
      const h = harbour();
      const all = await crowd({ disruption: { maxUnavailable } }, crew);
      const names = h.machines.map(({ name }) => name);
      await all.untilUnderWay(names.slice(0, most));
      for (const name of names.slice(most)) await all.untilVerdict(name, 'BudgetUsed');
      await all.letGo();
      expect(all.mostSlots()).to.equal(most);
    });
  }

  it('is one domain of the topology key at a time, and nothing of a node whose domain is not known', async () => {
    const h = harbour();
    await h.kubectl('label', 'nodes', 'n1', 'n2', 'zone=a');
    await h.kubectl('label', 'node', 'n3', 'zone=b');
    const all = await crowd({ disruption: { maxUnavailable: 4, topologyKey: 'zone' } });
    await all.untilUnderWay(['n1', 'n2']);
    await all.untilVerdict('n3', 'DomainBusy');
    await all.untilVerdict('n4', 'DomainUnknown');
    await all.letGo(['n1', 'n2', 'n3']);
    expect(all.mostSlots()).to.equal(2);
    await h.untilPolicy('Blocked', 'True', 'DomainUnknown');

    await h.kubectl('label', 'node', 'n4', 'zone=b');
    await all.letGo(['n4']);
  });

  it('is one node of the control plane at a time, and none while another one is NotReady', async () => {
    const h = harbour();
    const down = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'down', labels: { [CONTROL_PLANE]: '' } } };
    await h.bed.apply(JSON.stringify(down));
    await h.kubectl('label', 'nodes', 'n1', 'n2', `${CONTROL_PLANE}=`);
    const all = await crowd({ disruption: { maxUnavailable: 4 } });
    await all.untilUnderWay(['n3', 'n4']);
    for (const name of ['n1', 'n2']) await all.untilVerdict(name, 'ControlPlaneBusy');
    await all.letGo(['n3', 'n4']);
    expect((await h.untilPolicy('Blocked', 'True', 'ControlPlaneBusy')).message).to.contain('They are down.');

    await h.kubectl('delete', 'node', 'down');
    await all.untilUnderWay(['n1']);
    expect((await h.untilPolicy('Progressing', 'True', 'NodesInFlight')).message).to.contain('n1');
    expect(h.slots()).to.deep.equal(['n1']);
    await all.letGo(['n1', 'n2']);
  });

  it('is filled by nodes that people have cordoned, which are named; one of those may go itself', async () => {
    const h = harbour();
    await h.kubectl('cordon', 'o1');
    await h.kubectl('cordon', 'n2');
    const all = await crowd({ disruption: { maxUnavailable: 2 } }, 'crew=all');
    await all.untilUnderWay(['n2']);
    for (const name of ['n1', 'n3', 'n4']) await all.untilVerdict(name, 'BudgetUsed');
    await all.letGo(['n2'], { cordoned: true });
    const { message } = await h.untilPolicy('Blocked', 'True', 'BudgetUsed');
    expect(message).to.contain('They are n2, o1.');
    expect(h.isCordoned('n2'), 'cordoned by a person').to.equal(true);

    await h.kubectl('uncordon', 'o1', 'n2');
    await all.letGo(['n1', 'n3', 'n4']);
    expect(all.mostSlots()).to.equal(2);
  });

  it('is given to the nodes of the policy of higher priority first', async () => {
    const h = harbour();
    const nodeSelector = { matchLabels: { 'kubernetes.io/hostname': 'n4' } };
    const all = await crowd({ disruption: { maxUnavailable: 4 } }, 'role=worker', async () => {
      await h.applyPolicy({ nodeSelector, priority: 10 }, 'urgent');
      await h.untilPolicy('Ready', 'True', 'InForce', 'urgent');
      expect((await h.untilPolicy('Ready', 'True', 'Overlapping')).message).to.contain('n4 (urgent)');
    });
    await all.untilUnderWay(['n1', 'n2', 'n3', 'n4']);
    expect(all.slotsInOrder()).to.deep.equal(['n4', 'n1', 'n2', 'n3']);
    await all.letGo();
    expect(h.nodeReboot('n4')?.status?.history?.[0]).to.include({ policy: 'urgent', outcome: 'Rebooted' });
  });

  it('gives nothing to a node that was rebooted a short while ago (minInterval)', async () => {
    const h = harbour();
    const [machine] = h.machines;
    if (machine === undefined) throw new Error('there is no machine');
    const disruption = { minInterval: '1h' };
    await h.applyPolicy({ disruption });
    await h.reboot(machine);
    const mark = h.timeline.mark();
    machine.requireReboot(['libssl3']);
    await h.untilVerdict('n1', 'RebootedRecently', mark);
    const ended = Date.parse(h.nodeReboot('n1')?.status?.history?.[0]?.endedAt ?? '');
    const { nextCheck } = h.nodeReboot('n1')?.status?.verdict ?? {};
    expect(Date.parse(nextCheck ?? '') - ended).to.equal(3_600_000);
    expect(h.slots()).to.deep.equal([]);

    await h.applyPolicy({ disruption: { minInterval: '1s' } });
    await h.untilBack(machine, machine.bootIds.length);
  });
});

/** Machines whose reboots are under way until the test lets them go. */
class Crowd {
  readonly #h: Harbour;
  /** What happened before is not looked at. */
  readonly #mark: number;
  readonly #before: ReadonlyMap<string, { boots: number; orders: number }>;

  constructor(h: Harbour) {
    this.#h = h;
    this.#mark = h.timeline.mark();
    this.#before = new Map(
      h.machines.map(({ name, bootIds, rebooter }) => [
        name,
        { boots: bootIds.length, orders: rebooter.orders.length },
      ]),
    );
  }

  async untilAsked(node: string): Promise<void> {
    await this.#h.until(
      `${node} to ask`,
      ({ kind, name, object }) =>
        kind === 'NodeReboot' && name === node && statusOf(object)?.agent?.rebootRequired === true,
      this.#mark,
    );
  }

  async untilVerdict(node: string, code: string): Promise<void> {
    await this.#h.untilVerdict(node, code, this.#mark);
  }

  /** Waits until exactly these have been ordered to reboot and hang. */
  async untilUnderWay(names: readonly string[]): Promise<void> {
    for (const machine of this.#machines(names))
      await waitFor(`the order of ${machine.name}`, () => this.#isUnderWay(machine), { timeoutMs: SOON });
    expect(this.#h.slots().sort()).to.deep.equal([...names].sort());
  }

  /** Has them reboot, those that hang and those that follow, and waits until they are back. */
  async letGo(
    names: readonly string[] = this.#h.machines.map(({ name }) => name),
    { cordoned = false } = {},
  ): Promise<void> {
    const machines = this.#machines(names);
    for (const machine of machines) {
      machine.rebooter.onOrder = 'obey';
      if (this.#isUnderWay(machine)) machine.beginReboot();
    }
    for (const machine of machines) {
      const reboots = this.#before.get(machine.name)?.boots ?? 0;
      await (cordoned ? this.#h.untilRebooted(machine, reboots) : this.#h.untilBack(machine, reboots));
    }
  }

  /** The most slots that there were at a time. */
  mostSlots(): number {
    return Math.max(...this.#slots().map((slots) => slots.length));
  }

  /** The nodes that got a slot, the first of them first. */
  slotsInOrder(): string[] {
    return [...new Set(this.#slots().flat())];
  }

  /** The nodes with a slot, by each version of the lock. */
  #slots(): string[][] {
    const locks = this.#h.timeline.entries.slice(this.#mark).filter(({ name }) => name === 'drydock-lock');
    return locks.map(({ object }) => slotsOf(object as unknown as KubeObject).map(({ node }) => node));
  }

  #isUnderWay({ name, rebooter }: Machine): boolean {
    return rebooter.orders.length > (this.#before.get(name)?.orders ?? 0);
  }

  #machines(names: readonly string[]): Machine[] {
    return this.#h.machines.filter(({ name }) => names.includes(name));
  }
}
