import { expect } from 'chai';
import type { AgentReport, NodeRebootStatus } from '../../src/api/generated/nodereboot.ts';
import { annotated, inFlight, theStep } from '../support/attempt.ts';
import { aNode, aNodeReboot, aPolicy, decideOn, type Given, required, writesOf } from '../support/cluster.ts';
import { fleet, SPARE, started, why } from '../support/fleet.ts';

const APPROVE = { 'drydock.dev/approve': 'change 4711' };
const REBOOT_NOW = { 'drydock.dev/reboot-now': '' };
const MANUAL = { policies: [aPolicy({ settle: '0s', approval: 'Manual' })] };
type Kind = 'Approve' | 'RebootNow';
const grantOf = (kind: Kind, bootID = 'boot-1-of-n1', at = '2026-11-02T11:59:00Z') => ({ kind, bootID, at });

/** One node, with what its NodeReboot carries. */
function one(
  {
    grant,
    annotations,
    agent = required(),
    ...status
  }: NodeRebootStatus & {
    grant?: ReturnType<typeof grantOf>;
    annotations?: Record<string, string>;
    agent?: Partial<AgentReport>;
  },
  changes: Given = {},
): Given {
  const nodeReboot = aNodeReboot('n1', grant === undefined ? {} : { grant }, { ...status, agent });
  return fleet(['n1'], { nodeReboots: [annotated(nodeReboot, annotations)], ...changes });
}
const writes = (given: Given) => writesOf(decideOn(given).plan);

describe('an annotation approve or reboot-now', () => {
  it('becomes a grant for the present boot, which keeps the words of the person', () => {
    const step = theStep(decideOn(one({ annotations: APPROVE }, MANUAL)).plan.steps, 'grant');
    expect(step.grant).to.deep.equal({ kind: 'Approve', bootID: 'boot-1-of-n1', at: '2026-11-02T12:00:00.000Z' });
    expect(step.reason).to.equal('change 4711');
  });

  it('of both kinds becomes one grant, the wider', () => {
    const { plan } = decideOn(one({ annotations: { ...APPROVE, ...REBOOT_NOW } }, MANUAL));
    expect(theStep(plan.steps, 'grant').grant.kind).to.equal('RebootNow');
    const kept = decideOn(
      one({ annotations: APPROVE, grant: grantOf('RebootNow'), agent: { reboot: { able: false } } }),
    );
    expect(theStep(kept.plan.steps, 'grant').grant.kind, 'an approval takes nothing away').to.equal('RebootNow');
  });

  it('waits while it is not certain which boot the node is in', () => {
    const unknown: Given[] = [
      one({ annotations: APPROVE, agent: { ...required(), bootID: 'boot-2-of-n1' } }),
      one({ annotations: APPROVE }, { nodes: [aNode('n1', { bootID: '' }), SPARE] }),
      { ...one({ annotations: APPROVE }), nodeReboots: [] },
    ];
    for (const given of unknown) expect(writes(given)).not.to.include('grant');
  });

  it('waits while something else is done about the node, so that neither write undoes the other', () => {
    const begins = decideOn(one({ annotations: REBOOT_NOW })).plan;
    expect(writesOf(begins), 'the node starts by itself in this very decision').to.deep.equal(['take', 'beginAttempt']);
    expect(writes(inFlight({ annotations: APPROVE }))).to.deep.equal(['mark', 'request']);
    expect(writes(inFlight({ annotations: APPROVE, agent: { prepared: undefined as never } }))).to.deep.equal([
      'grant',
    ]);
  });

  it('is taken in also for a node that nothing else keeps from anything', () => {
    expect(writes(one({ annotations: APPROVE, agent: {} }))).to.deep.equal(['grant']);
  });
});

describe('a grant', () => {
  for (const kind of ['Approve', 'RebootNow'] as const) {
    it(`${kind} lets a node start that waits for approval`, () => {
      expect(why(one({}, MANUAL), 'n1')).to.deep.equal(['AwaitingApproval']);
      expect(started(one({ grant: grantOf(kind) }, MANUAL))).to.deep.equal(['n1']);
    });
  }

  it('lapses with the boot, and is then dropped', () => {
    const old = one({ grant: grantOf('RebootNow', 'boot-0-of-n1') }, MANUAL);
    expect(why(old, 'n1')).to.deep.equal(['AwaitingApproval']);
    expect(writes(old)).to.deep.equal(['dropGrant']);
    const unsure = one({ grant: grantOf('Approve'), agent: { ...required(), bootID: 'boot-2-of-n1' } }, MANUAL);
    expect(writes(unsure), 'kept while it is not certain which boot it is').to.deep.equal([]);
    expect(started(unsure)).to.deep.equal([]);
  });

  it('survives an interruption: nothing of an ending touches it', () => {
    const ending = inFlight({ asks: { grant: grantOf('Approve') }, namespaceAnnotations: { 'drydock.dev/pause': '' } });
    expect(writes(ending)).to.deep.equal(['endAttempt']);
    const after = one({ grant: grantOf('Approve') }, MANUAL);
    expect(started(after)).to.deep.equal(['n1']);
  });

  it("to reboot now needs no sentinel, and makes the attempt a person's", () => {
    const given = one({ grant: grantOf('RebootNow'), agent: {} });
    const { plan } = decideOn(given);
    expect(theStep(plan.stepsAfterLock, 'beginAttempt').attempt.trigger).to.equal('Person');
    expect(started(one({ grant: grantOf('Approve'), agent: {} })), 'an approval alone is no reason').to.deep.equal([]);
  });

  const rebooted = {
    attemptID: 'old',
    outcome: 'Rebooted' as const,
    code: 'Rebooted',
    message: 'm',
    startedAt: '2026-11-02T11:40:00Z',
    endedAt: '2026-11-02T11:50:00Z',
    fromBootID: 'boot-0-of-n1',
    toBootID: 'boot-1-of-n1',
    reasons: ['libc6'],
  };
  const persists = { agent: { ...required(), sinceUptime: 30 }, history: [rebooted] };
  const resumed = {
    policies: [
      { ...aPolicy(), metadata: { ...aPolicy().metadata, annotations: { 'drydock.dev/acknowledged': 'old' } } },
    ],
  };

  it('to reboot now overrules a sentinel that survived its reboot, an approval does not', () => {
    expect(why(one(persists, resumed), 'n1')).to.deep.equal(['SentinelPersists']);
    expect(why(one({ ...persists, grant: grantOf('Approve') }, resumed), 'n1')).to.deep.equal(['SentinelPersists']);
    expect(started(one({ ...persists, grant: grantOf('RebootNow') }, resumed))).to.deep.equal(['n1']);
  });

  it('to reboot now does not overrule a halt: a person resumes first', () => {
    const given = one({ ...persists, grant: grantOf('RebootNow') });
    expect(writes(given)).to.deep.equal(['haltPolicy']);
    expect(why(given, 'n1')).to.deep.equal(['Halted']);
  });

  it('to reboot now overrules minInterval, an approval does not, and it ends at a fixed instant', () => {
    const policies = [aPolicy({ settle: '0s', disruption: { minInterval: '1h' } })];
    const recent = { history: [{ ...rebooted, reasons: ['other'] }] };
    const { plan } = decideOn(one(recent, { policies }));
    expect(plan.waiting.get('n1')?.blockers[0]).to.deep.include({
      code: 'RebootedRecently',
      nextCheck: Date.parse('2026-11-02T12:50:00Z'),
    });
    expect(why(one({ ...recent, grant: grantOf('Approve') }, { policies }), 'n1')).to.deep.equal(['RebootedRecently']);
    expect(started(one({ ...recent, grant: grantOf('RebootNow') }, { policies }))).to.deep.equal(['n1']);
    const later = Date.parse('2026-11-02T12:50:00Z');
    expect(started(one(recent, { policies, now: later }))).to.deep.equal(['n1']);
    const interrupted = { ...rebooted, outcome: 'Interrupted' as const };
    expect(started(one({ history: [interrupted] }, { policies })), 'only a reboot counts').to.deep.equal(['n1']);
  });

  it('to reboot now overrules a backoff from before it, once: what fails since then waits again', () => {
    const backoff = { failures: 1, until: '2026-11-02T12:30:00Z', code: 'DrainTimedOut' };
    const ended = (endedAt: string) => [{ ...rebooted, outcome: 'Interrupted' as const, endedAt }];
    const now = (endedAt: string) => one({ backoff, history: ended(endedAt), grant: grantOf('RebootNow') });
    expect(started(now('2026-11-02T11:58:59Z'))).to.deep.equal(['n1']);
    expect(why(now('2026-11-02T11:59:30Z'), 'n1')).to.deep.equal(['BackingOff']);
    const approved = one({ backoff, history: ended('2026-11-02T11:58:59Z'), grant: grantOf('Approve') });
    expect(why(approved, 'n1')).to.deep.equal(['BackingOff']);
  });

  it('to reboot now does not overrule people, gates, agents, the budget or the last node', () => {
    const grant = grantOf('RebootNow');
    const gates = { prometheus: { url: 'http://p' } };
    const closed = new Map([['workers', { code: 'ActiveAlerts', message: 'm' }]]);
    const kept: [Given, string][] = [
      [one({ grant }, { namespaceAnnotations: { 'drydock.dev/pause': '' } }), 'Paused'],
      [one({ grant }, { namespaceAnnotations: null }), 'NamespaceUnread'],
      [one({ grant, annotations: { 'drydock.dev/hold': '' } }), 'Held'],
      [one({ grant, agent: { reboot: { able: false } } }), 'AgentUnable'],
      [one({ grant }, { maxDisrupted: 0 }), 'ClusterBudgetUsed'],
      [one({ grant }, { nodes: [aNode('n1')] }), 'LastSchedulableNode'],
      [
        one({ grant }, { policies: [aPolicy({ gates })], answers: { nodesFresh: true, gates: closed } }),
        'ActiveAlerts',
      ],
      [one({ grant }, { otherLocks: ['elsewhere'] }), 'OtherRebooter'],
    ];
    for (const [given, code] of kept) {
      expect(started(given), code).to.deep.equal([]);
      expect(why(given, 'n1'), code).to.deep.equal([code]);
    }
  });
});
