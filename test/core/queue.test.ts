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
  cordonedFor,
  decideOn,
  type Given,
  NOON,
  required,
  writesOf,
} from '../support/cluster.ts';

const SPARE = aNode('spare', { labels: {} });
const waits = (name: string, since?: string) => aNodeReboot(name, {}, { agent: required(since) });

/** Some nodes that all require a reboot, and one of no policy. */
function fleet(names: readonly string[], changes: Given = {}): Given {
  return {
    nodes: [...names.map((name) => aNode(name)), SPARE],
    nodeReboots: names.map((name) => waits(name)),
    answers: { nodesFresh: true },
    ...changes,
  };
}

const started = (given: Given) =>
  decideOn(given).plan.lockEdits.flatMap((edit) => (edit.kind === 'take' ? edit.slot.node : []));
const why = (given: Given, node: string) =>
  decideOn(given)
    .plan.waiting.get(node)
    ?.blockers.map(({ code }) => code);

describe('the queue', () => {
  it('starts the node that has waited longest, then by name', () => {
    const nodeReboots = [
      waits('a', '2026-11-02T11:00:00Z'),
      waits('b', '2026-11-01T00:00:00Z'),
      waits('c', '2026-11-02T11:00:00Z'),
    ];
    expect(started(fleet(['a', 'b', 'c'], { nodeReboots }))).to.deep.equal(['b']);
    expect(started(fleet(['c', 'a', 'b']))).to.deep.equal(['a']);
    expect(why(fleet(['c', 'a', 'b']), 'b')).to.deep.equal(['WaitsForTurn']);
  });

  it('starts a node that is down already first, since it costs nothing more', () => {
    const nodes = [aNode('a'), aNode('b', { ready: false }), SPARE];
    expect(started(fleet(['a', 'b'], { nodes }))).to.deep.equal(['b']);
  });

  it('writes the slot before the attempt, with the policy as it is now', () => {
    const { plan } = decideOn(fleet(['n1'], { policies: [aPolicy({ settle: '0s', drain: { force: true } })] }));
    expect(plan.lockEdits).to.deep.equal([{ kind: 'take', slot: aSlot('n1', { attemptID: 'attempt-new' }) }]);
    const [begin] = plan.stepsAfterLock;
    expect(begin?.kind === 'beginAttempt' && begin.attempt).to.deep.include({
      id: 'attempt-new',
      epoch: 1,
      trigger: 'Sentinel',
      startedAt: '2026-11-02T12:00:00.000Z',
      reasons: ['libc6'],
    });
    expect(begin?.kind === 'beginAttempt' && begin.attempt.policy.spec).to.deep.include({ drain: { force: true } });
  });

  it('reads all nodes past the cache before one starts', () => {
    const { plan } = decideOn(fleet(['n1'], { answers: { nodesFresh: false } }));
    expect(writesOf(plan)).to.deep.equal([]);
    expect(plan.asks).to.deep.equal([{ kind: 'nodes' }]);
  });

  const gates = { prometheus: { url: 'http://prometheus' } };
  const gated = (changes: Given) => fleet(['n1'], { policies: [aPolicy({ gates })], ...changes });

  it('asks the gates of the policy before one starts', () => {
    const { plan } = decideOn(gated({}));
    expect(writesOf(plan)).to.deep.equal([]);
    expect(plan.asks).to.deep.equal([{ kind: 'gates', key: 'workers', gates }]);
  });

  it('starts under open gates, and not under a closed one, which it asks again', () => {
    expect(started(gated({ answers: { nodesFresh: true, gates: new Map([['workers', null]]) } }))).to.deep.equal([
      'n1',
    ]);
    const closed = gated({
      answers: { nodesFresh: true, gates: new Map([['workers', { code: 'ActiveAlerts', message: 'x' }]]) },
    });
    expect(started(closed)).to.deep.equal([]);
    expect(why(closed, 'n1')).to.deep.equal(['ActiveAlerts']);
    expect(decideOn(closed).timers.nextWake).to.equal(15_000);
  });

  it('starts one node at most in one decision, also of several policies and with room for more', () => {
    const given = fleet(['a', 'b', 'c'], {
      nodes: [aNode('a'), aNode('b'), aNode('c', { labels: { role: 'infra' } }), SPARE],
      policies: [
        aPolicy({ disruption: { maxUnavailable: 3 } }),
        aPolicy({ nodeSelector: { matchLabels: { role: 'infra' } } }, 'infra'),
      ],
      maxDisrupted: 10,
    });
    expect(started(given)).to.deep.equal(['c']);
    for (const name of ['a', 'b']) expect(why(given, name)).to.deep.equal(['WaitsForTurn']);
  });

  it('decides everything and starts nothing under a policy that only reports', () => {
    const given = fleet(['n1'], { policies: [aPolicy({ mode: 'Report' })] });
    expect(writesOf(decideOn(given).plan)).to.deep.equal([]);
    expect(why(given, 'n1')).to.deep.equal(['ReportOnly']);
  });

  it('starts nothing while the lock is held from outside', () => {
    const hold = { holder: 'ops', renewTime: 'x', durationSeconds: 60 };
    const given = fleet(['n1'], { lock: { kind: 'ok', resourceVersion: '50', epoch: 1, slots: [], hold } });
    expect(started(given)).to.deep.equal([]);
    expect(why(given, 'n1')).to.deep.equal(['LockHeld']);
    expect(started({ ...given, timers: new Map([['hold/ops/x', 1_000_000 - 60_000]]) })).to.deep.equal(['n1']);
    expect(
      started({ ...given, timers: new Map([['hold/ops/w', 1_000_000 - 60_000]]) }),
      'a renewal holds it anew',
    ).to.deep.equal([]);
  });

  it('tells of every node that requires a reboot why it waits', () => {
    const { plan } = decideOn(fleet(['a', 'b', 'c']));
    for (const name of ['b', 'c']) expect(plan.waiting.get(name)?.blockers).to.have.length.above(0);
  });

  it('does not begin an attempt on a node that it is still putting in order', () => {
    const left = aNode('n1', { annotations: { 'drydock.dev/cordon': 'old' } });
    const { plan } = decideOn(fleet(['n1'], { nodes: [left, SPARE] }));
    expect(writesOf(plan)).to.deep.equal(['restoreNode']);
    const asking = aNodeReboot('n1', { prepare: { attemptID: 'old' } }, { agent: required() });
    expect(writesOf(decideOn(fleet(['n1'], { nodeReboots: [asking] })).plan)).to.deep.equal(['clearAttempt']);
  });

  it('starts nothing beside what is put in order: a slot that an accepted reboot gets back comes first', () => {
    const reboot = {
      attemptID: 'attempt-of-a',
      fromBootID: 'boot-1-of-a',
      nodeRebootUID: 'nrb-of-a',
      delaySeconds: 0,
      timeoutSeconds: 1,
      baseline: {},
    };
    const accepted = aNodeReboot('a', { attempt: anAttempt('a'), reboot }, { agent: { accepted: 'attempt-of-a' } });
    const given = fleet(['a', 'b'], {
      nodeReboots: [accepted, waits('b')],
      policies: [aPolicy({ disruption: { maxUnavailable: 5 } })],
    });
    expect(started({ ...given, maxDisrupted: 2 })).to.deep.equal(['a']);
    expect(why({ ...given, maxDisrupted: 2 }, 'b')).to.deep.equal(['TidyingUp']);
    const back = aSlot('a', { requested: 'nrb-of-a' });
    expect(started({ ...given, slots: [back], maxDisrupted: 1 })).to.deep.equal([]);
    expect(started({ ...given, slots: [back], maxDisrupted: 2 })).to.deep.equal(['b']);
  });
});

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

describe('what keeps a node', () => {
  const blocked = (changes: Given, node = 'n1') => {
    const { plan } = decideOn(fleet(['n1'], changes));
    expect(writesOf(plan)).to.deep.equal([]);
    return plan.waiting.get(node)?.blockers.map(({ code }) => code);
  };
  const agent = (changes: object) => ({
    nodeReboots: [aNodeReboot('n1', {}, { agent: { ...required(), ...changes } })],
  });
  const rebooted = (changes: object = {}) => ({
    outcome: 'Rebooted' as const,
    code: 'Rebooted',
    message: '',
    attemptID: 'old',
    startedAt: '',
    endedAt: '',
    toBootID: 'boot-1-of-n1',
    reasons: ['libc6'],
    ...changes,
  });
  const persisting = (history: object, sinceUptime: number) => ({
    nodeReboots: [aNodeReboot('n1', {}, { agent: { ...required(), sinceUptime }, history: [rebooted(history)] })],
  });

  it('is told in full, not only the first', () => {
    const nodes = [aNode('n1', { annotations: { 'drydock.dev/hold': '' }, bootID: '' })];
    expect(blocked({ nodes })).to.deep.equal(['Held', 'BootIDUnknown', 'LastSchedulableNode']);
  });

  it('is that nothing is required, or no agent has reported', () => {
    expect(blocked({ nodeReboots: [aNodeReboot('n1')] })).to.deep.equal(['NotRequired']);
    expect(blocked({ nodeReboots: [{ ...aNodeReboot('n1'), status: {} }] })).to.deep.equal(['AgentAbsent']);
  });

  it('is an agent that speaks for another node or another boot, or is not able', () => {
    expect(blocked(agent({ nodeUID: 'uid-of-earlier' }))).to.deep.equal(['AgentOfAnotherNode']);
    expect(blocked(agent({ bootID: 'boot-0' }))).to.deep.equal(['BootIDsDiffer']);
    expect(blocked(agent({ reboot: { able: false, reason: 'no D-Bus' } }))).to.deep.equal(['AgentUnable']);
  });

  it('is a sentinel that has changed a short while ago', () => {
    const policies = [aPolicy({ settle: '5m' })];
    expect(blocked({ policies })).to.deep.equal(['Settling']);
    const name = 'settle/uid-of-n1/2026-11-02T11:00:00Z';
    expect(blocked({ policies, timers: new Map([[name, 1_000_000 - 299_999]]) })).to.deep.equal(['Settling']);
    expect(started(fleet(['n1'], { policies, timers: new Map([[name, 700_000]]) }))).to.deep.equal(['n1']);
  });

  it('is a backoff, until it ends', () => {
    const backoff = (until: string) => ({
      nodeReboots: [aNodeReboot('n1', {}, { agent: required(), backoff: { failures: 1, until } })],
    });
    expect(blocked(backoff('2026-11-02T12:00:01Z'))).to.deep.equal(['BackingOff']);
    expect(started(fleet(['n1'], backoff('2026-11-02T12:00:00Z')))).to.deep.equal(['n1']);
    expect(started(fleet(['n1'], backoff('nonsense')))).to.deep.equal(['n1']);
  });

  it('is a sentinel that has survived its reboot: the same reasons within ten minutes of the boot', () => {
    expect(blocked(persisting({}, 599))).to.deep.equal(['SentinelPersists']);
    const fine: [object, number][] = [
      [{}, 600],
      [{ reasons: ['other'] }, 10],
      [{ toBootID: 'boot-0' }, 10],
      [{ outcome: 'Failed' }, 10],
    ];
    for (const [history, uptime] of fine)
      expect(started(fleet(['n1'], persisting(history, uptime))), JSON.stringify(history)).to.deep.equal(['n1']);
  });

  it('is a policy that cannot be understood', () => {
    const policies = [aPolicy({ schedule: { timeZone: 'Europe/Atlantis' } })];
    expect(blocked({ policies })).to.deep.equal(['PolicyInvalid']);
  });

  it('is a closed window', () => {
    const policies = [aPolicy({ schedule: { timeZone: 'UTC', windows: [{ cron: '0 2 * * *', duration: '1h' }] } })];
    expect(blocked({ policies })).to.deep.equal(['OutsideWindow']);
  });

  it('is not its own slot', () => {
    const { plan } = decideOn(
      fleet(['n1'], {
        nodes: [aNode('n1', cordonedFor('attempt-of-n1')), SPARE],
        nodeReboots: [aNodeReboot('n1', { attempt: anAttempt('n1') }, { agent: required() })],
        slots: [aSlot('n1')],
      }),
    );
    expect(plan.waiting.has('n1')).to.equal(false);
    expect(plan.inFlight.has('n1')).to.equal(true);
  });
});
