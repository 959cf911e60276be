import { expect } from 'chai';
import { Actor } from '../../src/controller/actor.ts';
import type { Plan } from '../../src/core/decide.ts';
import type { LockState } from '../../src/core/model.ts';
import type { Step } from '../../src/core/steps.ts';
import { ControllerMetrics } from '../../src/telemetry/metrics.ts';
import { FakeClock } from '../support/clock.ts';
import { aNode, aNodeReboot, anAttempt, aPod, aSlot, decideOn } from '../support/cluster.ts';
import { MemoryLog } from '../support/log.ts';
import { EffectsDouble, refusal } from './doubles.ts';

const { plan: REST } = decideOn({ nodeReboots: [aNodeReboot('n1')] });
const LOCK: LockState = { kind: 'ok', resourceVersion: '50', epoch: 3, slots: [aSlot('n1')], hold: null };
const begin: Step = { kind: 'beginAttempt', nodeReboot: aNodeReboot('n2'), attempt: anAttempt('n2') };
const cordon: Step = { kind: 'cordon', node: aNode('n1'), attemptID: 'a', epoch: 3 };
const evict: Step = {
  kind: 'evict',
  node: aNode('n1'),
  attemptID: 'a',
  pods: [aPod('web-1')],
  gracePeriodSeconds: null,
};

describe('the actor', () => {
  let effects: EffectsDouble;
  let log: MemoryLog;
  let metrics: ControllerMetrics;
  let actor: Actor;
  let clock: FakeClock;
  beforeEach(() => {
    effects = new EffectsDouble();
    log = new MemoryLog();
    metrics = new ControllerMetrics();
    clock = new FakeClock();
    actor = new Actor({ effects, clock, random: () => 0, log, metrics });
  });
  const plan = (changes: Partial<Plan>): Plan => ({ ...REST, ...changes });
  const act = (changes: Partial<Plan>, lock: LockState = LOCK) => actor.act(plan(changes), lock, 3);
  const take = { kind: 'take', slot: aSlot('n2') } as const;

  it('does nothing for a plan that has nothing', async () => {
    expect(await act({})).to.deep.include({ done: 0, conflicts: 0, failures: 0 });
    expect(effects.done).to.deep.equal([]);
  });

  it('writes the lock once for all edits, by compare-and-swap, and then what depends on it', async () => {
    const mark = { kind: 'mark', attemptID: 'attempt-of-n1', nodeRebootUID: 'u' } as const;
    expect(await act({ lockEdits: [take, mark], stepsAfterLock: [begin] })).to.include({ done: 2 });
    expect(effects.done).to.deep.equal(['lock', 'beginAttempt', 'announce']);
    expect(effects.locks).to.deep.equal([
      { epoch: 3, resourceVersion: '50', slots: [aSlot('n1', { requested: 'u' }), aSlot('n2')] },
    ]);
  });

  for (const [status, counted] of [
    [409, { done: 0, conflicts: 1, failures: 0 }],
    [500, { done: 0, conflicts: 0, failures: 1 }],
  ] as const) {
    it(`takes no step that depends on the lock when that was answered with ${status}`, async () => {
      effects.failures.set('lock', refusal(status));
      expect(await act({ lockEdits: [take], stepsAfterLock: [begin] })).to.deep.include(counted);
      expect(effects.done).to.deep.equal([]);
    });
  }

  it('takes the other steps when one is refused, and counts conflicts apart from failures', async () => {
    effects.failures.set('cordon', refusal(409));
    effects.failures.set('clearAttempt', refusal(500));
    const clear: Step = { kind: 'clearAttempt', nodeReboot: aNodeReboot('n3'), attemptID: 'x' };
    const restore: Step = { kind: 'restoreNode', node: aNode('n4'), uncordon: true, attemptID: 'x' };
    expect(await act({ steps: [cordon, clear, restore] })).to.deep.include({ done: 1, conflicts: 1, failures: 1 });
    expect(effects.done).to.deep.equal(['restoreNode']);
    expect([log.of('debug'), log.of('warn')], 'a conflict is no trouble').to.deep.equal([
      ['cordon was not carried out'],
      ['clearAttempt was not carried out'],
    ]);
  });

  it('says every step that it has taken, with node and attempt, and no other', async () => {
    await act({ steps: [cordon] });
    expect(log.lines).to.deep.include({ level: 'info', message: 'cordon', fields: { node: 'n1', attemptID: 'a' } });
    effects.failures.set('cordon', refusal(409));
    await act({ steps: [cordon] });
    expect(log.of('info')).to.have.length(1);
  });

  it('is not kept from anything by an Event that cannot be written', async () => {
    effects.failures.set('announce', refusal(500));
    const ending: Step = {
      kind: 'endAttempt',
      nodeReboot: aNodeReboot('n1'),
      attempt: anAttempt('n1'),
      code: 'Held',
      message: 'm',
    };
    expect(await act({ steps: [ending] })).to.deep.include({ done: 1, conflicts: 0, failures: 0 });
  });

  it('writes no lock that is not in order', async () => {
    await act({ lockEdits: [take], stepsAfterLock: [begin] }, { kind: 'missing' });
    expect(effects.done).to.deep.equal([]);
  });

  it('claims the lock over the version that was read, or makes it', async () => {
    const claim = { epoch: 4, slots: [aSlot('n1')], why: 'x' };
    expect(await actor.claim(claim, LOCK)).to.include({ done: 1 });
    await actor.claim(claim, { kind: 'missing' });
    await actor.claim(claim, { kind: 'unreadable', resourceVersion: '9', why: 'x' });
    expect(effects.locks.map(({ resourceVersion, epoch }) => [resourceVersion, epoch])).to.deep.equal([
      ['50', 4],
      [null, 4],
      ['9', 4],
    ]);
    effects.failures.set('lock', refusal(409));
    expect(await actor.claim(claim, LOCK)).to.deep.include({ done: 0, conflicts: 1, failures: 0 });
  });

  it('remembers what came of evictions, as long as a node is draining', async () => {
    effects.outcome = { kind: 'budget', message: 'PodDisruptionBudget web allows none', retryAfterMs: 0 };
    const inFlight = new Map([['n1', { phase: 'Draining' as const, verdict: { code: 'x', message: 'x' } }]]);
    expect(await act({ steps: [evict], inFlight })).to.include({ done: 1 });
    expect(actor.evictions.get('uid-of-web-1')).to.deep.equal({
      kind: 'evict',
      tries: 1,
      notBefore: clock.monotonic() + 5_000,
      refusal: 'PodDisruptionBudget web allows none',
    });
    effects.outcome = new Error('no route to host');
    await act({ steps: [evict], inFlight });
    expect(actor.evictions.get('uid-of-web-1')).to.include({ tries: 2, refusal: 'no route to host' });
    await act({});
    expect(actor.evictions.size).to.equal(0);
  });

  it('counts what it does', async () => {
    const entry = {
      attemptID: 'a',
      outcome: 'Rebooted' as const,
      code: 'Rebooted',
      message: 'm',
      policy: 'workers',
      startedAt: '2026-11-02T12:00:00Z',
      endedAt: '2026-11-02T12:01:30Z',
    };
    effects.failures.set('cordon', refusal(409));
    await act({
      steps: [cordon, evict, { kind: 'recordHistory', nodeReboot: aNodeReboot('n1'), entry, backoff: null }],
    });
    const text = await metrics.registry.metrics();
    expect(text).to.contain('drydock_attempts_total{policy="workers",outcome="Rebooted",code="Rebooted"} 1');
    expect(text).to.contain('drydock_reboot_duration_seconds_sum{policy="workers"} 90');
    expect(text).to.contain('drydock_evictions_total{outcome="granted"} 1');
    expect(text).to.contain('drydock_errors_total{kind="conflict"} 1');
  });
});
