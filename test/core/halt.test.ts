import { expect } from 'chai';
import type { HistoryEntry } from '../../src/core/steps.ts';
import { policyView } from '../../src/core/views/policyView.ts';
import { accepted, inFlight, theStep } from '../support/attempt.ts';
import {
  aNode,
  aNodeReboot,
  anAttempt,
  aPolicy,
  aSlot,
  decideOn,
  type Given,
  required,
  writesOf,
} from '../support/cluster.ts';
import { fleet, SPARE, started, waits, why } from '../support/fleet.ts';

const entry = (code: string, changes: Partial<HistoryEntry> = {}): HistoryEntry => ({
  attemptID: `attempt-${code}`,
  outcome: 'Failed',
  code,
  message: 'm',
  startedAt: '2026-11-02T11:00:00Z',
  endedAt: '2026-11-02T11:10:00Z',
  fromBootID: 'boot-1-of-n1',
  toBootID: 'boot-1-of-n1',
  reasons: ['libc6'],
  ...changes,
});
const failed = (name: string, code = 'NotAccepted', agent: object = required()) =>
  aNodeReboot(
    name,
    {},
    { agent, history: [entry(code, { attemptID: `attempt-${name}`, fromBootID: `boot-1-of-${name}` })] },
  );
const policy = (maxFailed: number, annotations?: Record<string, string>) => {
  const one = aPolicy({ settle: '0s', failure: { maxFailed } });
  return annotations === undefined ? one : { ...one, metadata: { ...one.metadata, annotations } };
};
const HALTED = { 'drydock.dev/halted': 'attempt-a' };

/** a has failed, b waits. */
const two = (annotations?: Record<string, string>, maxFailed = 1, changes: Given = {}) =>
  fleet(['a', 'b'], { nodeReboots: [failed('a'), waits('b')], policies: [policy(maxFailed, annotations)], ...changes });
const steps = (given: Given) => decideOn(given).plan.steps;

describe('what counts as a failed node', () => {
  const count = (nodeReboot: ReturnType<typeof aNodeReboot>, changes: Given = {}) => {
    const { plan } = decideOn(fleet(['n1'], { nodeReboots: [nodeReboot], ...changes }));
    return plan.halts.get('policy-workers')?.failures.map(({ code }) => code);
  };

  it('is an attempt that ended as Failed in the present boot, for as long as a reboot is required', () => {
    for (const code of ['NotAccepted', 'RebootFailed', 'Released'])
      expect(count(aNodeReboot('n1', {}, { agent: required(), history: [entry(code)] }))).to.deep.equal([code]);
    expect(count(aNodeReboot('n1', {}, { history: [entry('NotAccepted')] })), 'nothing is required').to.deep.equal([]);
    const grant = { kind: 'RebootNow' as const, bootID: 'boot-1-of-n1', at: '2026-11-02T11:00:00Z' };
    const wanted = aNodeReboot('n1', { grant }, { history: [entry('RebootFailed')] });
    expect(count(wanted), 'or while a person wants it').to.deep.equal(['RebootFailed']);
    const earlier = entry('NotAccepted', { fromBootID: 'boot-0-of-n1' });
    expect(count(aNodeReboot('n1', {}, { agent: required(), history: [earlier] })), 'of another boot').to.deep.equal(
      [],
    );
  });

  it('is it also behind later attempts that were interrupted', () => {
    const history = [entry('Paused', { outcome: 'Interrupted' }), entry('RebootFailed')];
    expect(count(aNodeReboot('n1', {}, { agent: required(), history }))).to.deep.equal(['RebootFailed']);
  });

  it('is not an attempt that was interrupted: drains, gates and agents that are not able do not count', () => {
    for (const code of ['DrainTimedOut', 'ActiveAlerts', 'AgentUnable', 'AgentSilent']) {
      const history = [entry(code, { outcome: 'Interrupted' })];
      expect(count(aNodeReboot('n1', {}, { agent: required(), history })), code).to.deep.equal([]);
    }
  });

  it('is an accepted attempt that is written down as failed, while it has its slot', () => {
    const failure = { code: 'RebootTimedOut', message: 'm', at: '2026-11-02T11:59:00Z' };
    const given = accepted({ attempt: { failure } });
    const failures = (changes: Given) => decideOn({ ...given, ...changes }).plan.halts.get('policy-workers')?.failures;
    expect(failures({})?.map(({ code }) => code)).to.deep.equal(['RebootTimedOut']);
    expect(failures({ slots: [aSlot('n1', { attemptID: 'another' })] })).to.deep.equal([]);
  });

  it('is a sentinel that survived its reboot', () => {
    const history = [entry('Rebooted', { outcome: 'Rebooted' })];
    const agent = { ...required(), sinceUptime: 10 };
    expect(count(aNodeReboot('n1', {}, { agent, history }))).to.deep.equal(['SentinelPersists']);
  });
});

describe('a policy', () => {
  it('halts when as many of its nodes are Failed as it allows, and says which', () => {
    expect(steps(two(undefined, 2)).map(({ kind }) => kind)).to.deep.equal([]);
    const step = theStep(steps(two()), 'haltPolicy');
    expect(step.attempts).to.deep.equal(['attempt-a']);
    expect(step.message).to.equal('Failed: a (NotAccepted).');
  });

  it('starts nothing from then on, in the very decision in which it halts, and other policies go on', () => {
    const infra = aPolicy({ settle: '0s', nodeSelector: { matchLabels: { role: 'infra' } } }, 'infra');
    const nodes = [aNode('a'), aNode('b'), aNode('c', { labels: { role: 'infra' } }), SPARE];
    const nodeReboots = [failed('a'), waits('b'), waits('c')];
    const given = { ...two(), nodes, nodeReboots, policies: [policy(1), infra] };
    expect(started(given)).to.deep.equal(['c']);
    expect(why(given, 'b')).to.deep.equal(['Halted']);
    expect(why(given, 'a')).to.deep.equal(['Halted']);
  });

  it('stays halted when its nodes recover by themselves, until a person says resume', () => {
    const healed = { nodeReboots: [aNodeReboot('a'), waits('b')] };
    expect(started(two(HALTED, 1, healed))).to.deep.equal([]);
    expect(why(two(HALTED, 1, healed), 'b')).to.deep.equal(['Halted']);
    expect(started(two(undefined, 1, healed))).to.deep.equal(['b']);
  });

  it('is not written to again while it has halted', () => {
    expect(steps(two(HALTED))).to.deep.equal([]);
  });

  it('gives up the attempts that no agent has accepted, without a backoff, and sees the others through', () => {
    const spec = { failure: { maxFailed: 1 } };
    const halted = { policies: [policy(1, HALTED)] };
    const interrupted = decideOn(inFlight({ spec, ...halted })).plan;
    expect(theStep(interrupted.steps, 'endAttempt').code).to.equal('Halted');
    expect(writesOf(decideOn(accepted({ spec, ...halted })).plan)).to.deep.equal([]);
    const ended = inFlight({ spec, ...halted, attempt: { ending: { code: 'Halted', message: 'm' } }, node: {} });
    expect(theStep(decideOn(ended).plan.steps, 'recordHistory').backoff).to.equal(null);
  });
});

describe('a person who says resume', () => {
  const RESUME = { ...HALTED, 'drydock.dev/resume': 'looked at a' };

  it('has the policy go on, and the failures that are there no longer count', () => {
    const step = theStep(steps(two(RESUME)), 'resumePolicy');
    expect(step).to.deep.include({ acknowledged: ['attempt-a'], reason: 'looked at a' });
    const after = two({ 'drydock.dev/acknowledged': 'attempt-a' });
    expect(steps(after).map(({ kind }) => kind)).to.deep.equal([]);
    expect(started(after), 'what failed is tried again as well').to.deep.equal(['a']);
  });

  it('starts nothing before that is written', () => {
    expect(started(two(RESUME))).to.deep.equal([]);
  });

  it('while the policy has not halted acknowledges what has failed, and forgets what no longer has', () => {
    const given = two({ 'drydock.dev/resume': '', 'drydock.dev/acknowledged': 'attempt-of-before' }, 2);
    expect(theStep(steps(given), 'resumePolicy').acknowledged).to.deep.equal(['attempt-a']);
    const none = two({ 'drydock.dev/resume': '' }, 1, { nodeReboots: [waits('b')] });
    expect(theStep(steps(none), 'resumePolicy').acknowledged).to.deep.equal([]);
  });

  it('is not taken to know of failures that come later: they halt the policy again', () => {
    const acknowledged = { 'drydock.dev/acknowledged': 'attempt-a,attempt-of-before' };
    const again = { nodeReboots: [failed('a'), failed('b')] };
    const step = theStep(steps(two(acknowledged, 1, again)), 'haltPolicy');
    expect(step.attempts).to.deep.equal(['attempt-b']);
    expect(steps(two(acknowledged, 2, again)).map(({ kind }) => kind)).to.deep.equal([]);
  });

  it('goes before anything else that is to be written about the policy', () => {
    const given = two(RESUME, 1, { slots: [aSlot('c')] });
    const [first] = given.policies ?? [];
    const unguarded = first && { ...first, metadata: { ...first.metadata, finalizers: [] } };
    const kinds = steps({ ...given, policies: unguarded ? [unguarded] : [] }).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind.endsWith('Policy'))).to.deep.equal(['resumePolicy']);
  });
});

describe('what people read of a halted policy', () => {
  const read = (given: Given) => {
    const { plan, snapshot } = decideOn(given);
    const [one] = plan.policies;
    if (one === undefined) throw new Error('there is no policy');
    return policyView(one, plan, given.slots ?? [], snapshot);
  };

  it('is a condition that names the nodes, and how many are Failed', () => {
    const view = read(two(HALTED));
    const condition = view.conditions.find(({ type }) => type === 'Halted');
    expect(condition).to.include({ status: 'True', reason: 'TooManyFailed' });
    expect(condition?.message).to.match(/annotate the policy with drydock.dev\/resume. They are a\.$/);
    expect(view.nodes?.failed).to.equal(1);
    expect(view.blockers?.[0]).to.deep.include({ code: 'Halted', nodes: ['a', 'b'] });
  });

  it('counts failures that were acknowledged as well: the nodes are Failed all the same', () => {
    const view = read(two({ 'drydock.dev/acknowledged': 'attempt-a' }));
    expect(view.nodes?.failed).to.equal(1);
    expect(view.conditions.find(({ type }) => type === 'Halted')?.status).to.equal('False');
  });

  it('is a hint where the cap of the controller would stop the policy before maxFailed does', () => {
    const hint = (maxFailed: number, maxDisrupted: number) =>
      read({ policies: [policy(maxFailed)], maxDisrupted }).conditions[0]?.message.includes('--max-disrupted');
    expect([hint(1, 1), hint(2, 1), hint(2, 2)]).to.deep.equal([false, true, false]);
  });
});

describe('a failed attempt of another policy', () => {
  it('halts the policy that owns its node now', () => {
    const attempt = anAttempt('n1', {}, { failure: { code: 'NotVerified', message: 'm', at: '2026-11-02T11:59:00Z' } });
    const given = fleet(['n1'], {
      nodeReboots: [aNodeReboot('n1', { attempt }, { agent: { ...required(), accepted: attempt.id } })],
      policies: [aPolicy({ priority: 5 }, 'wider')],
      slots: [aSlot('n1')],
    });
    expect(theStep(steps(given), 'haltPolicy').policy.metadata.name).to.equal('wider');
  });
});
