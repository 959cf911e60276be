import { expect } from 'chai';
import fc from 'fast-check';
import { InvalidShare, nodesOf, readShare } from '../../src/core/policy/share.ts';
import { aNode, aPolicy, aSlot, decideOn, type Given } from '../support/cluster.ts';
import { fleet, SPARE, started, waits, why } from '../support/fleet.ts';

const HOUR = 3_600_000;

describe('disruption.maxUnavailable', () => {
  it('is a number of nodes or a share of them', () => {
    expect([readShare(1), readShare('200'), readShare('1%'), readShare('100%')]).to.deep.equal([
      { nodes: 1 },
      { nodes: 200 },
      { percent: 1 },
      { percent: 100 },
    ]);
  });

  for (const wrong of [0, -1, 201, 1.5, '0%', '101%', '5 %', '%', '', 'x', '01%', '1e2', Number.NaN]) {
    it(`cannot be ${JSON.stringify(wrong)}, and says what to write`, () => {
      expect(() => readShare(wrong)).to.throw(InvalidShare, /set it to a number of nodes from 1 to 200, or to a share/);
    });
  }

  it('as a share is rounded down, and never below one node', () => {
    const property = fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(5_000), (percent, total) => {
      const nodes = nodesOf({ percent }, total);
      expect(nodes).to.be.at.least(1);
      if (nodes > 1) expect(nodes * 100).to.be.at.most(percent * total);
      expect((nodes + 1) * 100, 'no less than rounding down gives').to.be.above(percent * total);
    });
    fc.assert(property, { numRuns: 500 });
    expect(nodesOf({ percent: 29 }, 100), 'whole numbers stay whole').to.equal(29);
  });

  it('as a share is of the nodes that the policy owns, down or not', () => {
    const names = Array.from({ length: 10 }, (_, index) => `n${index}`);
    const given = (share: string, down: number): Given => ({
      ...fleet(names, {
        policies: [aPolicy({ disruption: { maxUnavailable: share as unknown as number } })],
        maxDisrupted: 200,
      }),
      nodes: [...names.map((name, index) => aNode(name, { ready: index >= down })), SPARE],
      nodeReboots: names.slice(9).map((name) => waits(name)),
    });
    expect(started(given('30%', 2))).to.deep.equal(['n9']);
    expect(why(given('30%', 3), 'n9')).to.deep.equal(['BudgetUsed']);
    expect(why(given('39%', 3), 'n9'), 'rounded down').to.deep.equal(['BudgetUsed']);
    expect(started(given('5%', 0)), 'never below one').to.deep.equal(['n9']);
    expect(why(given('5%', 1), 'n9')).to.deep.equal(['BudgetUsed']);
  });
});

describe('a budget that others have used up', () => {
  const full = (elapsed: number, changes: Given = {}) =>
    fleet(['a', 'b'], {
      nodes: [aNode('a'), aNode('b', { unschedulable: true }), SPARE],
      nodeReboots: [waits('a')],
      timers: new Map([['others/policy-workers', 1_000_000 - elapsed]]),
      ...changes,
    });

  it('is said to be theirs after an hour, with the nodes and what to do', () => {
    expect(why(full(HOUR - 1), 'a')).to.deep.equal(['BudgetUsed']);
    expect(why(full(HOUR), 'a')).to.deep.equal(['BudgetUsedByOthers']);
    const [blocker] = decideOn(full(HOUR)).plan.waiting.get('a')?.blockers ?? [];
    expect(blocker?.nodes).to.deep.equal(['b']);
    expect(blocker?.message).to.contain('Uncordon or mend them');
  });

  it('wakes the controller when the hour will be over', () => {
    expect(decideOn(full(HOUR - 7_000)).timers.nextWake).to.equal(7_000);
  });

  it('begins the hour anew when a node of ours is among them, and when there was room', () => {
    const ours = decideOn(full(HOUR, { slots: [aSlot('b')], maxDisrupted: 5 }));
    expect([...ours.timers.running.keys()]).not.to.include('others/policy-workers');
    const room = decideOn(full(HOUR, { policies: [aPolicy({ disruption: { maxUnavailable: 2 } })] }));
    expect([...room.timers.running.keys()]).not.to.include('others/policy-workers');
  });

  it('lets the very node that is down be rebooted', () => {
    expect(started(full(HOUR, { nodeReboots: [waits('a'), waits('b')] }))).to.deep.equal(['b']);
  });
});

describe('disruption.topologyKey', () => {
  const zoned = (name: string, zone?: string) =>
    aNode(name, { labels: { role: 'worker', ...(zone === undefined ? {} : { zone }) } });
  const given = (slots: readonly string[], changes: Given = {}): Given => ({
    ...fleet(['a1', 'a2', 'b1', 'x'], {
      nodes: [zoned('a1', 'a'), zoned('a2', 'a'), zoned('b1', 'b'), zoned('x'), SPARE],
      policies: [aPolicy({ disruption: { maxUnavailable: 4, topologyKey: 'zone' } })],
      slots: slots.map((name) => aSlot(name, name === 'spare' ? { policyUID: 'other' } : {})),
      maxDisrupted: 9,
    }),
    ...changes,
  });

  it('lets only nodes of one domain be out of service at a time', () => {
    expect(started(given(['a1']))).to.deep.equal(['a2']);
    expect(why(given(['a1']), 'b1')).to.deep.equal(['DomainBusy']);
    expect(started(given(['b1']))).to.deep.equal([]);
    expect(why(given(['b1']), 'a1')).to.deep.equal(['DomainBusy']);
  });

  it('keeps a node whose domain is not known', () => {
    expect(why(given([]), 'x')).to.deep.equal(['DomainUnknown']);
    expect(why(given(['x']), 'a1'), 'and everything while such a one is out of service').to.deep.equal(['DomainBusy']);
  });

  it('counts the nodes of the policy alone', () => {
    expect(started(given(['spare']))).to.deep.equal(['a1']);
  });
});

describe('control-plane nodes', () => {
  const role = (name: string, changes = {}, label = 'node-role.kubernetes.io/control-plane') =>
    aNode(name, { labels: { role: 'worker', [label]: '' }, ...changes });
  const policies = [aPolicy({ disruption: { maxUnavailable: 9 } })];
  const given = (other: object, changes: Given = {}) =>
    fleet(['c1', 'c2', 'w'], {
      nodes: [role('c1'), role('c2', other, 'node-role.kubernetes.io/master'), aNode('w'), SPARE],
      policies,
      maxDisrupted: 9,
      nodeReboots: [waits('c1'), waits('w')],
      ...changes,
    });

  it('go one at a time, whatever the budgets of their policies say', () => {
    const slots = [aSlot('c2', { policyUID: 'other' })];
    expect(why(given({}, { slots }), 'c1')).to.deep.equal(['ControlPlaneBusy']);
    expect(started(given({}, { slots })), 'others go on').to.deep.equal(['w']);
  });

  it('do not go while another one is NotReady, also of no policy', () => {
    expect(why(given({ ready: false }), 'c1')).to.deep.equal(['ControlPlaneBusy']);
    const foreign = { ready: false, labels: { 'node-role.kubernetes.io/control-plane': '' } };
    expect(why(given(foreign), 'c1')).to.deep.equal(['ControlPlaneBusy']);
    expect(started(given({}))).to.deep.equal(['c1']);
  });

  it('count while they are being deleted: their etcd may still be a member', () => {
    expect(why(given({ deleting: true }, { slots: [aSlot('c2')] }), 'c1')).to.deep.equal(['ControlPlaneBusy']);
    expect(why(given({ deleting: true, ready: false }), 'c1')).to.deep.equal(['ControlPlaneBusy']);
    expect(started(given({ deleting: true }))).to.deep.equal(['c1']);
  });

  it('may go when they are themselves the one that is NotReady', () => {
    const nodes = [role('c1', { ready: false }), role('c2'), SPARE];
    expect(started(given({}, { nodes, nodeReboots: [waits('c1')] }))).to.deep.equal(['c1']);
  });
});
