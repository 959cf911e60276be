import type { EvictionOutcome, EvictionRecord } from '../model.ts';
import type { PodStep } from '../steps.ts';

/** After a granted eviction the pod is expected to be terminating; if it is not by then, it is asked again. */
const GRANTED_GRACE_MS = 30_000;
const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 60_000;
const MANY_BUDGETS_RETRY_MS = 60_000;

/**
 * What is remembered of an eviction or a deletion: when it may be tried again, and what to tell people meanwhile. Retries
 * double from 5 s to 60 s, so that a budget that blocks is asked ever more seldom; evictions and deletions apart.
 *
 * @param mono now, monotonic ms; @param jitter from 0 to 1, spreads retries by up to half
 */
export function noteEviction(
  kind: PodStep['kind'],
  before: EvictionRecord | undefined,
  outcome: EvictionOutcome,
  mono: number,
  jitter: number,
): EvictionRecord {
  const tries = (before?.kind === kind ? before.tries : 0) + 1;
  const backoff = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (tries - 1)) * (1 + jitter / 2);
  const retry = (ms: number, refusal: string): EvictionRecord => ({ kind, tries, notBefore: mono + ms, refusal });
  switch (outcome.kind) {
    case 'granted':
      return retry(GRANTED_GRACE_MS, '');
    case 'budget':
      return retry(Math.max(backoff, outcome.retryAfterMs), outcome.message);
    case 'throttled':
      return retry(
        Math.max(FIRST_RETRY_MS, outcome.retryAfterMs) * (1 + jitter / 2),
        'the API server is throttling requests',
      );
    case 'manyBudgets':
      return retry(MANY_BUDGETS_RETRY_MS, 'more than one PodDisruptionBudget selects it, so it cannot be evicted');
    case 'error':
      return retry(backoff, outcome.message);
  }
}
