import { expect } from 'chai';
import fc from 'fast-check';
import { noteEviction } from '../../src/core/attempt/eviction.ts';
import type { EvictionOutcome, EvictionRecord } from '../../src/core/model.ts';
import { backoffAfter } from '../../src/core/queue/backoff.ts';
import { NOON } from '../support/cluster.ts';

describe('the wait before a next attempt', () => {
  const waitAfter = (before: Parameters<typeof backoffAfter>[0], code: string, jitter = 0) =>
    backoffAfter(before, { outcome: 'Interrupted', code }, { firstMs: 60_000, maxMs: 3_600_000 }, NOON, jitter);
  const minutes = (backoff: ReturnType<typeof backoffAfter>) => (Date.parse(backoff?.until ?? '') - NOON) / 60_000;

  it('is a minute after a first failure, twice as long after each further one, an hour at most', () => {
    let backoff = waitAfter(undefined, 'DrainTimedOut');
    const waits = [minutes(backoff)];
    for (let failure = 0; failure < 15; failure += 1) {
      backoff = waitAfter(backoff ?? undefined, 'DrainTimedOut');
      waits.push(minutes(backoff));
    }
    expect(waits.slice(0, 8)).to.deep.equal([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(waits.at(-1)).to.equal(60);
    expect(backoff).to.include({ failures: 16, code: 'DrainTimedOut' });
  });

  it('is spread, so that nodes which failed together do not come back together', () => {
    expect(minutes(waitAfter(undefined, 'AgentSilent', 1))).to.equal(1.2);
  });

  it('is over after a proven reboot', () => {
    const before = { failures: 5, until: '2026-11-02T13:00:00Z' };
    expect(backoffAfter(before, { outcome: 'Rebooted', code: 'Rebooted' }, { firstMs: 1, maxMs: 1 }, NOON, 0)).to.equal(
      null,
    );
  });

  for (const code of ['Paused', 'Held', 'OutsideWindow', 'Frozen', 'PolicyGone', 'NotSelected', 'ReportOnly']) {
    it(`does not grow by ${code}, which keeps the next attempt from starting anyway`, () => {
      const before = { failures: 2, until: '2026-11-02T13:00:00Z' };
      expect(waitAfter(undefined, code)).to.equal(null);
      expect(waitAfter(before, code)).to.deep.equal(before);
    });
  }

  for (const code of ['DrainTimedOut', 'DrainRefused', 'AgentUnable', 'ActiveAlerts', 'CordonLifted', 'RebootFailed']) {
    it(`grows by ${code}`, () => expect(waitAfter(undefined, code)).to.include({ failures: 1, code }));
  }
});

describe('what is remembered of an eviction', () => {
  const budget: EvictionOutcome = { kind: 'budget', message: 'PodDisruptionBudget web allows none', retryAfterMs: 0 };

  function waitsOf(outcome: EvictionOutcome, times: number, jitter = 0): number[] {
    let record: EvictionRecord | undefined;
    let mono = 1_000;
    return Array.from({ length: times }, () => {
      record = noteEviction('evict', record, outcome, mono, jitter);
      const wait = record.notBefore - mono;
      mono = record.notBefore;
      return wait / 1_000;
    });
  }

  it('has a blocking budget asked ever more seldom, from 5 s to a minute', () => {
    expect(waitsOf(budget, 7)).to.deep.equal([5, 10, 20, 40, 60, 60, 60]);
    expect(waitsOf(budget, 2_000).at(-1), 'also after a day').to.equal(60);
  });

  it('is spread by up to half', () => {
    expect(waitsOf(budget, 2, 1)).to.deep.equal([7.5, 15]);
  });

  it('asks no pod more often than once in 5 s, whatever is answered', () => {
    const retryAfterMs = fc.nat(100_000);
    const outcome: fc.Arbitrary<EvictionOutcome> = fc.oneof(
      fc.constant<EvictionOutcome>({ kind: 'granted' }),
      retryAfterMs.map((ms): EvictionOutcome => ({ kind: 'budget', message: '', retryAfterMs: ms })),
      retryAfterMs.map((ms): EvictionOutcome => ({ kind: 'throttled', retryAfterMs: ms })),
      fc.constant<EvictionOutcome>({ kind: 'manyBudgets' }),
      fc.constant<EvictionOutcome>({ kind: 'error', message: 'x' }),
    );
    fc.assert(
      fc.property(
        fc.array(outcome, { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (outcomes, jitter) => {
          let record: EvictionRecord | undefined;
          for (const one of outcomes) {
            record = noteEviction('evict', record, one, 7, jitter);
            expect(record.notBefore - 7).to.be.at.least(5_000);
            if ('retryAfterMs' in one) expect(record.notBefore - 7).to.be.at.least(one.retryAfterMs);
          }
          expect(record?.tries).to.equal(outcomes.length);
        },
      ),
    );
  });

  const refusals: Record<string, [EvictionOutcome, string, number]> = {
    'a granted one': [{ kind: 'granted' }, '', 30_000],
    'a budget': [budget, 'PodDisruptionBudget web allows none', 5_000],
    'a budget that says when': [{ ...budget, retryAfterMs: 9_000 }, 'PodDisruptionBudget web allows none', 9_000],
    'a throttling server': [{ kind: 'throttled', retryAfterMs: 8_000 }, 'the API server is throttling requests', 8_000],
    'two budgets': [
      { kind: 'manyBudgets' },
      'more than one PodDisruptionBudget selects it, so it cannot be evicted',
      60_000,
    ],
    'an error': [{ kind: 'error', message: 'etcd is down' }, 'etcd is down', 5_000],
  };
  for (const [what, [outcome, refusal, wait]] of Object.entries(refusals)) {
    it(`says why and for how long, of ${what}`, () => {
      expect(noteEviction('evict', undefined, outcome, 0, 0)).to.deep.equal({
        kind: 'evict',
        tries: 1,
        notBefore: wait,
        refusal,
      });
    });
  }
});
