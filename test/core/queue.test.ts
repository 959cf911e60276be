import { expect } from 'chai';
import {
  aNode,
  aNodeReboot,
  anAttempt,
  aPolicy,
  aSlot,
  cordonedFor,
  decideOn,
  type Given,
  required,
  writesOf,
} from '../support/cluster.ts';
import { fleet, SPARE, started, waits, why } from '../support/fleet.ts';

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

describe('what keeps a node', () => {
  const blocked = (changes: Given, node = 'n1') => {
    const { plan } = decideOn(fleet(['n1'], changes));
    expect(writesOf(plan).filter((kind) => kind !== 'haltPolicy')).to.deep.equal([]);
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

  it('is a backoff, of which it says why as long as that is remembered', () => {
    const backoff = { failures: 1, until: '2026-11-02T12:00:01Z', code: 'DrainWouldBlock' };
    const said = (code: string) => {
      const history = [rebooted({ code, outcome: 'Interrupted', message: 'PodDisruptionBudget web blocks' })];
      const { plan } = decideOn(
        fleet(['n1'], { nodeReboots: [aNodeReboot('n1', {}, { agent: required(), backoff, history })] }),
      );
      return plan.waiting.get('n1')?.blockers[0]?.message;
    };
    expect(said('DrainWouldBlock')).to.equal(
      'The last attempt ended with DrainWouldBlock: PodDisruptionBudget web blocks',
    );
    expect(said('Paused')).to.equal('The last attempt ended with DrainWouldBlock.');
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
