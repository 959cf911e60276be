import type { Backoff, HistoryEntry } from '../steps.ts';

const FIRST_MS = 60_000;
const LAST_MS = 3_600_000;

/** Endings after which the node may be tried again at once: what ended the attempt also keeps the next from starting. */
const NO_FAILURE = new Set([
  'Paused',
  'Held',
  'OutsideWindow',
  'Frozen',
  'PolicyGone',
  'NotSelected',
  'ReportOnly',
  'SentinelGone',
  'BootChanged',
  'AttemptGone',
]);

/**
 * When a node may be tried again: 1 minute after a first failure, twice as long after each further one, at most an
 * hour, spread by up to a fifth so that nodes which failed together do not come back together.
 *
 * @param now epoch ms; @param jitter from 0 to 1
 * @returns null when nothing has to be waited for
 */
export function backoffAfter(
  before: Backoff | undefined,
  { outcome, code }: Pick<HistoryEntry, 'outcome' | 'code'>,
  now: number,
  jitter: number,
): Backoff | null {
  if (outcome === 'Rebooted') return null;
  if (NO_FAILURE.has(code)) return before ?? null;
  const failures = (before?.failures ?? 0) + 1;
  const wait = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10)) * (1 + jitter / 5);
  return { failures, until: new Date(now + wait).toISOString(), code };
}
