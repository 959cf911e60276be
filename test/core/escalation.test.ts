import { expect } from 'chai';
import { decide } from '../../src/core/decide.ts';
import type { EvictionRecord, Snapshot } from '../../src/core/model.ts';
import type { DrainRules } from '../../src/core/policy/rules.ts';
import { Timers } from '../../src/core/timers.ts';
import { type Flight, ID, inFlight, running, theStep } from '../support/attempt.ts';
import { aPod, aSnapshot, decideOn, type Given, writesOf } from '../support/cluster.ts';

const pods = [aPod('web-1'), aPod('web-2')];
const escalation = (kind: 'Delete' | 'Reboot') => ({ kind, at: '2026-11-02T11:59:00Z' });
const drain = (onTimeout: DrainRules['onTimeout'], timeout = '10s') => ({ spec: { drain: { onTimeout, timeout } } });
const late = running(`drain/${ID}`, 10);

/** A decision with what was learnt of evictions. */
function decidedAfter(records: Record<string, EvictionRecord>, flight: Flight) {
  const given: Given = inFlight(flight);
  const evictions = new Map(Object.entries(records).map(([name, record]) => [`uid-of-${name}`, record]));
  const snapshot: Snapshot = { ...aSnapshot(given), evictions };
  const timers = new Timers(given.timers ?? new Map(), snapshot.mono);
  return { plan: decide(snapshot, timers), timers };
}

describe('a drain whose deadline has passed', () => {
  it('goes on until then, whatever the policy says of afterwards', () => {
    for (const onTimeout of ['Abort', 'Delete', 'Reboot'] as const) {
      const { plan } = decideOn(inFlight({ pods, ...drain(onTimeout), timers: running(`drain/${ID}`, 9.999) }));
      expect(writesOf(plan), onTimeout).to.deep.equal(['evict']);
    }
  });

  it('is aborted under Abort, and says which pods were left and why', () => {
    const refusal = 'PodDisruptionBudget web allows no disruption now';
    const records = { 'web-1': { kind: 'evict' as const, tries: 3, notBefore: 9e9, refusal } };
    const { plan } = decidedAfter(records, { pods, ...drain('Abort'), timers: late });
    expect(theStep(plan.steps, 'endAttempt')).to.include({
      code: 'DrainTimedOut',
      message: `The drain did not end in time: default/web-1: ${refusal}`,
    });
  });

  it('says of pods that nothing refused that they are terminating', () => {
    const { plan } = decideOn(inFlight({ pods: [aPod('web-1')], ...drain('Abort'), timers: late }));
    expect(theStep(plan.steps, 'endAttempt').message).to.equal(
      'The drain did not end in time: default/web-1 is terminating',
    );
  });

  for (const kind of ['Delete', 'Reboot'] as const) {
    it(`is first written down as escalated under ${kind}, with the pods that are left, and nothing else is done`, () => {
      const { plan } = decideOn(inFlight({ pods, ...drain(kind), timers: late }));
      expect(writesOf(plan)).to.deep.equal(['escalate']);
      expect(theStep(plan.steps, 'escalate')).to.deep.include({
        escalation: kind,
        pods: ['default/web-1', 'default/web-2'],
      });
    });
  }

  it('is not escalated when nothing is left', () => {
    expect(writesOf(decideOn(inFlight({ ...drain('Delete'), timers: late })).plan)).to.deep.equal(['mark', 'request']);
  });
});

describe('an escalated drain', () => {
  it('goes on by what is written down, not by a timer: a restart of the controller changes nothing', () => {
    const deleting = inFlight({ pods, ...drain('Delete'), attempt: { escalation: escalation('Delete') } });
    expect(writesOf(decideOn(deleting).plan)).to.deep.equal(['deletePods']);
    const rebooting = inFlight({ pods, ...drain('Reboot'), attempt: { escalation: escalation('Reboot') } });
    expect(writesOf(decideOn(rebooting).plan)).to.deep.equal(['mark', 'request']);
  });

  it('still asks every gate and reads everything anew before it reboots with pods left', () => {
    const given = inFlight({ pods, ...drain('Reboot'), attempt: { escalation: escalation('Reboot') } });
    const { plan } = decideOn({ ...given, answers: { pods: new Map([['n1', pods]]) } });
    expect(writesOf(plan)).to.deep.equal([]);
    expect(plan.asks.map(({ kind }) => kind)).to.deep.equal(['gates']);
  });

  const deleting = (changes: Flight = {}): Flight => ({
    pods: [aPod('web-1')],
    ...drain('Delete'),
    attempt: { escalation: escalation('Delete') },
    ...changes,
  });

  it('deletes at once, also what an eviction was refused for a moment ago', () => {
    const refusal = 'PodDisruptionBudget web allows no disruption now';
    const { plan } = decidedAfter({ 'web-1': { kind: 'evict', tries: 4, notBefore: 9e9, refusal } }, deleting());
    expect(theStep(plan.steps, 'deletePods').pods.map(({ metadata }) => metadata.name)).to.deep.equal(['web-1']);
    expect(plan.inFlight.get('n1')?.verdict.message, 'budgets no longer count').not.to.contain('PodDisruptionBudget');
  });

  it('tries a deletion that failed again when it is time, and says what came of it', () => {
    const record = { kind: 'deletePods' as const, tries: 1, notBefore: 1_004_000, refusal: 'forbidden' };
    const { plan, timers } = decidedAfter({ 'web-1': record }, deleting());
    expect(writesOf(plan)).to.deep.equal([]);
    expect(timers.nextWake).to.equal(4_000);
    expect(plan.inFlight.get('n1')?.verdict).to.deep.include({
      code: 'DeletingPods',
      message:
        'The drain did not end in time, so the pods that are left are deleted (drain.onTimeout): default/web-1: forbidden',
    });
  });

  it('gives pods the grace period of the policy', () => {
    const spec = { drain: { onTimeout: 'Delete' as const, gracePeriodSeconds: 0 } };
    expect(theStep(decideOn(inFlight(deleting({ spec }))).plan.steps, 'deletePods').gracePeriodSeconds).to.equal(0);
  });

  it('is aborted when deleting has taken as long again', () => {
    const still = decideOn(inFlight(deleting({ timers: running(`delete/${ID}`, 9.999) })));
    expect(writesOf(still.plan)).to.deep.equal(['deletePods']);
    const over = decideOn(inFlight(deleting({ timers: running(`delete/${ID}`, 10) })));
    expect(theStep(over.plan.steps, 'endAttempt').code).to.equal('DrainTimedOut');
  });

  it('is given up by an interruption like any other', () => {
    for (const kind of ['Delete', 'Reboot'] as const) {
      const given = inFlight({ pods, ...drain(kind), attempt: { escalation: escalation(kind) } });
      const { plan } = decideOn({ ...given, namespaceAnnotations: { 'drydock.dev/pause': '' } });
      expect(theStep(plan.steps, 'endAttempt').code).to.equal('Paused');
    }
  });
});

describe('drain.maxParallelEvictions', () => {
  it('bounds what is evicted and what is deleted at a time', () => {
    const many = Array.from({ length: 9 }, (_, index) => aPod(`p${index}`));
    const spec = { drain: { onTimeout: 'Delete' as const, maxParallelEvictions: 4 } };
    expect(theStep(decideOn(inFlight({ pods: many, spec })).plan.steps, 'evict').pods).to.have.length(4);
    const attempt = { escalation: escalation('Delete') };
    const { plan } = decideOn(inFlight({ pods: many, spec, attempt }));
    expect(theStep(plan.steps, 'deletePods').pods).to.have.length(4);
  });
});
