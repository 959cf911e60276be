import { expect } from 'chai';
import fc from 'fast-check';
import type { NodeReboot, NodeView, Slot } from '../../src/core/model.ts';
import { isUnavailable } from '../../src/core/queue/budget.ts';
import { applyEdits } from '../../src/core/steps.ts';
import {
  aNode,
  aNodeReboot,
  anAttempt,
  aPolicy,
  aSlot,
  decideOn,
  type Given,
  NOON,
  required,
} from '../support/cluster.ts';
import { fleet, SPARE, started, waits, why } from '../support/fleet.ts';

describe('the budget', () => {
  const full = (others: Partial<NodeView>, changes: Given = {}) =>
    fleet(['a', 'b'], { nodes: [aNode('a'), aNode('b', others), SPARE], nodeReboots: [waits('a')], ...changes });

  it('counts nodes that others took down', () => {
    for (const down of [{ ready: false }, { unschedulable: true }, { unschedulable: true, ready: false }]) {
      expect(started(full(down)), JSON.stringify(down)).to.deep.equal([]);
      expect(why(full(down), 'a')).to.deep.equal(['BudgetUsed']);
    }
  });

  it('counts neither a node that is being deleted nor a young one that has not become Ready yet', () => {
    const created = (minutes: number) => new Date(NOON - minutes * 60_000).toISOString();
    expect(started(full({ ready: false, deleting: true }))).to.deep.equal(['a']);
    expect(started(full({ ready: false, createdAt: created(9.9) }))).to.deep.equal(['a']);
    expect(started(full({ ready: false, createdAt: created(10) }))).to.deep.equal([]);
    expect(started(full({ unschedulable: true, createdAt: created(1) }))).to.deep.equal([]);
  });

  it('counts nodes with a slot, whatever they look like', () => {
    const slots = [aSlot('b')];
    const changes = { slots, maxDisrupted: 5 };
    expect(why(full({}, changes), 'a')).to.deep.equal(['BudgetUsed']);
    expect(isUnavailable(aNode('b', { deleting: true }), slots, NOON)).to.equal(true);
    expect(isUnavailable(aNode('b', { uid: 'anew' }), slots, NOON), 'of this very node').to.equal(false);
  });

  it('does not count nodes of other policies, but the cap over all does', () => {
    const changes = { slots: [aSlot('spare', { policyUID: 'other' })] };
    expect(why(full({}, changes), 'a')).to.deep.equal(['ClusterBudgetUsed']);
    expect(started(full({}, { ...changes, maxDisrupted: 2 }))).to.deep.equal(['a']);
  });

  it('does not count the candidate itself: a node that is down may be rebooted', () => {
    expect(started(full({}, { nodes: [aNode('a', { ready: false }), aNode('b'), SPARE] }))).to.deep.equal(['a']);
  });

  it('takes a node for no room whose taints the pods of the last one are not known to tolerate', () => {
    const tainted = aNode('spare', { labels: {}, taints: ['node-role.kubernetes.io/control-plane=:NoSchedule'] });
    expect(why(fleet(['a'], { nodes: [aNode('a'), tainted] }), 'a')).to.deep.equal(['LastSchedulableNode']);
    const alike = fleet(['a'], { nodes: [aNode('a', { taints: tainted.taints }), tainted] });
    expect(started(alike)).to.deep.equal(['a']);
  });

  it('counts a node that has a slot of the policy, but is no longer selected by it', () => {
    const slots = [aSlot('spare', { policyUID: 'policy-workers' })];
    const given = fleet(['a'], { nodes: [aNode('a'), SPARE, aNode('more', { labels: {} })], slots, maxDisrupted: 5 });
    expect(why(given, 'a')).to.deep.equal(['BudgetUsed']);
  });

  it('keeps the last schedulable node', () => {
    for (const last of [{ ready: false }, { unschedulable: true }, { deleting: true }]) {
      const given = fleet(['a'], { nodes: [aNode('a'), aNode('spare', { labels: {}, ...last })] });
      expect(why(given, 'a')).to.deep.equal(['LastSchedulableNode']);
    }
  });

  const BLOCKED_AGENTS: Readonly<Record<string, object>> = {
    boot: { bootID: 'other' },
    unable: { reboot: { able: false } },
    settle: { changed: 'a moment ago' },
  };
  const nodeArbitrary = fc.record({
    ready: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    cordonedBy: fc.oneof(
      { weight: 5, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.constant('kubectl-cordon') },
    ),
    deleting: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    young: fc.boolean(),
    required: fc.boolean(),
    policy: fc.constantFrom('one', 'two', 'none'),
    blocker: fc.constantFrom('', '', '', 'hold', 'boot', 'unable', 'backoff', 'settle'),
  });

  function clusterOf(list: readonly (typeof nodeArbitrary extends fc.Arbitrary<infer T> ? T : never)[]) {
    const nodes = list.map((one, index) =>
      aNode(`n${index}`, {
        labels: { role: one.policy },
        ready: one.ready,
        unschedulable: one.cordonedBy !== '',
        unschedulableManagers: one.cordonedBy === '' ? [] : [one.cordonedBy],
        deleting: one.deleting,
        annotations: one.blocker === 'hold' ? { 'drydock.dev/hold': '' } : {},
        ...(one.young ? { createdAt: new Date(NOON - 60_000).toISOString() } : {}),
      }),
    );
    const nodeReboots = list.map((one, index): NodeReboot => {
      const agent = { ...(one.required ? required() : {}), ...(BLOCKED_AGENTS[one.blocker] ?? {}) };
      const backoff = one.blocker === 'backoff' ? { backoff: { failures: 1, until: '2026-11-02T12:00:01Z' } } : {};
      return aNodeReboot(`n${index}`, {}, { agent, ...backoff });
    });
    return { nodes, nodeReboots };
  }

  it('is never exceeded by starts that follow each other, and no node starts that anything keeps', () => {
    let starts = 0;
    const maxima = fc.record({ one: fc.integer({ min: 1, max: 4 }), two: fc.integer({ min: 1, max: 4 }) });
    const property = fc.property(
      fc.array(nodeArbitrary, { maxLength: 12 }),
      maxima,
      fc.integer({ min: 1, max: 5 }),
      (list, max, maxDisrupted) => {
        const { nodes, nodeReboots } = clusterOf(list);
        const policies = (['one', 'two'] as const).map((name) =>
          aPolicy(
            { nodeSelector: { matchLabels: { role: name } }, settle: '5m', disruption: { maxUnavailable: max[name] } },
            name,
          ),
        );
        const settled = nodes.map(({ uid }) => [`settle/${uid}/2026-11-02T11:00:00Z`, 0] as const);
        const down = (slots: readonly Slot[], role: string) =>
          nodes.filter((node) => node.labels.role === role && isUnavailable(node, slots, NOON)).length;
        const before = { one: down([], 'one'), two: down([], 'two') };
        let slots: readonly Slot[] = [];
        for (let round = 0; round <= nodes.length; round += 1) {
          const { plan } = decideOn({
            nodes,
            nodeReboots,
            policies,
            slots,
            maxDisrupted,
            timers: new Map(settled),
            answers: { nodesFresh: true },
          });
          const taken = plan.lockEdits.flatMap((edit) => (edit.kind === 'take' ? [edit.slot] : []));
          expect(taken).to.have.length.at.most(1);
          const [slot] = taken;
          if (slot === undefined) break;
          starts += 1;
          const one = list[Number(slot.node.slice(1))];
          expect(one).to.deep.include({ required: true, blocker: '' });
          expect(one?.policy).not.to.equal('none');
          slots = applyEdits(slots, [{ kind: 'take', slot: { ...slot, attemptID: `attempt-${round}` } }]);
          expect(slots).to.have.length.at.most(maxDisrupted);
          for (const role of ['one', 'two'] as const)
            expect(down(slots, role)).to.be.at.most(Math.max(before[role], max[role]));
        }
        expect(new Set(slots.map(({ node }) => node)).size).to.equal(slots.length);
      },
    );
    fc.assert(property, { numRuns: 400 });
    expect(starts, 'the property has been put to the test').to.be.greaterThan(30);
  });
});

describe('the last schedulable node', () => {
  it('is also the one that is left when another has a slot and is not cordoned yet', () => {
    const attempt = anAttempt('a');
    const begun = aNodeReboot('a', { attempt, prepare: { attemptID: attempt.id } });
    const given = fleet(['a', 'b'], {
      nodes: [aNode('a'), aNode('b')],
      nodeReboots: [begun, waits('b')],
      policies: [aPolicy({ disruption: { maxUnavailable: 5 } })],
      slots: [aSlot('a')],
      maxDisrupted: 2,
    });
    expect(started(given)).to.deep.equal([]);
    expect(why(given, 'b')).to.deep.equal(['LastSchedulableNode']);
  });
});
