import { expect } from 'chai';
import { accepted, annotated, type Flight, ID, inFlight, rebooted, theStep } from '../support/attempt.ts';
import {
  aNode,
  aNodeReboot,
  aSlot,
  cordonedFor,
  decideOn,
  type Given,
  required,
  writesOf,
} from '../support/cluster.ts';
import { fleet, SPARE, started, waits, why } from '../support/fleet.ts';

const failure = { code: 'RebootTimedOut', message: 'x', at: '2026-11-02T11:59:00Z' };
const ending = { code: 'Released', message: 'm' };
const release = { 'drydock.dev/release': ID };
const left = { unschedulable: true, unschedulableManagers: ['drydock-controller'] };
const noted = { ...left, annotations: { 'drydock.dev/released-boot': 'boot-1-of-n1' } };
const entry = {
  attemptID: ID,
  outcome: 'Failed' as const,
  code: 'Released',
  message: 'm',
  startedAt: '2026-11-02T11:58:00Z',
  endedAt: '2026-11-02T11:59:00Z',
  fromBootID: 'boot-1-of-n1',
};
const failed = (flight: Flight = {}) => accepted({ attempt: { failure }, annotations: release, ...flight });
/** After the attempt has been marked as released: its request is withdrawn. */
const marked = (flight: Flight = {}) =>
  accepted({ attempt: { failure, ending }, asks: { reboot: undefined, prepare: undefined } as never, ...flight });
const writes = (given: Given) => writesOf(decideOn(given).plan);

describe('a release', () => {
  it('of a Failed attempt is marked first, and nothing undoes it', () => {
    const { plan } = decideOn(failed());
    expect(writesOf(plan)).to.deep.equal(['endAttempt']);
    expect(theStep(plan.steps, 'endAttempt').code).to.equal('Released');
    expect(theStep(plan.steps, 'endAttempt').message).to.contain('a late reboot of it is still possible');
  });

  it('does nothing while the attempt has not failed, nor by the ID of another', () => {
    expect(writes(accepted({ annotations: release }))).to.deep.equal([]);
    const { plan } = decideOn(failed({ annotations: { 'drydock.dev/release': 'attempt-of-before' } }));
    expect(writesOf(plan), 'the vain annotation goes').to.deep.equal(['dropRelease']);
  });

  it('takes our marks off the Node and leaves its cordon, then writes history, then frees the slot', () => {
    const step = theStep(decideOn(marked()).plan.steps, 'releaseNode');
    expect(step).to.include({ attemptID: ID, boot: 'boot-1-of-n1' });
    const { plan } = decideOn(marked({ node: noted }));
    expect(writesOf(plan)).to.deep.equal(['recordHistory']);
    expect(theStep(plan.steps, 'recordHistory').entry).to.include({ outcome: 'Failed', code: 'Released' });
    expect(theStep(plan.steps, 'recordHistory').backoff).to.equal(null);
    const freed = decideOn(marked({ node: noted, status: { history: [entry] } })).plan;
    expect(freed.lockEdits.map(({ kind }) => kind)).to.deep.equal(['free']);
    expect(freed.steps, 'the attempt is cleared after that').to.deep.equal([]);
  });

  it('is begun anew at no step: a controller that dies between any two goes on where it was', () => {
    const stages: [Given, string[]][] = [
      [failed(), ['endAttempt']],
      [marked(), ['releaseNode']],
      [marked({ node: left }), ['releaseNode']],
      [marked({ node: noted }), ['recordHistory']],
      [marked({ node: noted, status: { history: [entry] } }), ['free']],
    ];
    for (const [given, expected] of stages) {
      expect(writes(given)).to.deep.equal(expected);
      expect(
        writes({ ...given, namespaceAnnotations: { 'drydock.dev/pause': '' } }),
        'also while paused',
      ).to.deep.equal(expected);
      expect(writes({ ...given, policies: [] }), 'also without its policy').to.include.members(expected);
    }
    const cleared = marked({ node: noted, status: { history: [entry] } });
    expect(writes({ ...cleared, slots: [] }), 'last').to.deep.equal(['clearAttempt']);
  });

  it('goes on also where the acceptance is no longer to be seen: what was released is never uncordoned', () => {
    expect(writes(marked({ agent: { accepted: 'another' } }))).to.deep.equal(['releaseNode']);
    expect(writes(marked({ agent: { accepted: 'another' }, node: noted }))).to.deep.equal(['recordHistory']);
  });

  it('frees the slot only when the Node was read anew', () => {
    const { plan } = decideOn({
      ...marked({ node: noted, status: { history: [entry] } }),
      answers: { nodesFresh: false },
    });
    expect([writesOf(plan), plan.asks]).to.deep.equal([[], [{ kind: 'node', node: 'n1' }]]);
  });

  it('notes the boot also on a node that somebody else had cordoned, and leaves that cordon alone', () => {
    const foreign = { unschedulable: true, unschedulableManagers: ['kubectl-cordon'] };
    expect(writes(marked({ node: foreign }))).to.deep.equal(['releaseNode']);
    expect(writes(marked({ node: { ...foreign, annotations: noted.annotations } }))).to.deep.equal(['recordHistory']);
  });

  it('notes no boot that has ended, but goes on to its end', () => {
    const late = { ...left, bootID: 'boot-2-of-n1' };
    expect(writes(marked({ node: late }))).to.deep.equal(['recordHistory']);
  });

  it('of a rebooted node that is not verified leaves it cordoned as well', () => {
    const notVerified = { failure: { ...failure, code: 'NotVerified' } };
    const sick = { ready: false };
    const given = rebooted({ attempt: notVerified, annotations: release, node: sick });
    expect(theStep(decideOn(given).plan.steps, 'endAttempt').code).to.equal('Released');
  });

  it('comes too late for a node that is well: it is handed back', () => {
    const given = rebooted({ attempt: { failure }, annotations: release });
    expect(theStep(decideOn(given).plan.steps, 'restoreNode').uncordon).to.equal(true);
  });
});

describe('the release of an attempt whose NodeReboot was lost after the request', () => {
  const lost = (node = {}, nodeAnnotations = release): Given => ({
    nodes: [aNode('n1', { ...cordonedFor(ID), ...node }), SPARE],
    nodeReboots: [annotated(aNodeReboot('n1', {}, { agent: required() }), nodeAnnotations)],
    slots: [aSlot('n1', { requested: 'nrb-of-before' })],
    answers: { nodeFresh: new Set(['n1']) },
  });

  it('is told by the annotation alone, at every step', () => {
    expect(writes(lost())).to.deep.equal(['releaseNode']);
    expect(writes(lost({ ...noted })), 'there is no attempt to write into history').to.deep.equal(['free']);
  });

  it('takes the annotation off when the slot is free', () => {
    expect(writes({ ...lost({ ...noted }), slots: [] })).to.deep.equal(['dropRelease']);
  });
});

describe('a released node', () => {
  const free = (annotations: Record<string, string>, changes: Given = {}) =>
    fleet(['n1'], { nodes: [aNode('n1', { annotations }), SPARE], ...changes });
  const note = (boot: string) => ({ 'drydock.dev/released-boot': boot });

  it('is not tried again in the boot whose reboot may come late, not even for a person', () => {
    expect(why(free(note('boot-1-of-n1')), 'n1')).to.deep.equal(['Released']);
    const grant = { kind: 'RebootNow' as const, bootID: 'boot-1-of-n1', at: '2026-11-02T11:59:59Z' };
    const wanted = { nodeReboots: [aNodeReboot('n1', { grant }, { agent: required() })] };
    expect(why(free(note('boot-1-of-n1'), wanted), 'n1')).to.deep.equal(['Released']);
  });

  it('is tried again in its next boot', () => {
    expect(started(free(note('boot-0-of-n1')))).to.deep.equal(['n1']);
  });

  it('keeps that memory when its NodeReboot is deleted and made anew: the Node remembers', () => {
    expect(started(free(note('boot-1-of-n1'), { nodeReboots: [waits('n1')] }))).to.deep.equal([]);
  });

  it('is not taken for one of ours, and its cordon is never lifted', () => {
    const given = fleet(['n1'], { nodes: [aNode('n1', noted), SPARE] });
    expect(writes(given)).to.deep.equal([]);
  });
});

describe('an attempt before acceptance', () => {
  it('cannot be released; the annotation goes with its end', () => {
    expect(writes(inFlight({ annotations: release, pods: [] }))).to.deep.equal(['mark', 'request']);
  });
});
