import type { BackoffRules } from '../policy/rules.ts';
import type { Backoff, HistoryEntry } from '../steps.ts';

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
  'Halted',
  'Released',
]);

/**
 * When a node may be tried again: the first wait doubles with each further attempt that ended without a reboot, up to
 * the longest, and is spread by up to a fifth so that nodes which failed together do not come back together.
 *
 * @param now epoch ms; @param jitter from 0 to 1
 * @returns null when nothing has to be waited for
 */
export function backoffAfter(
  before: Backoff | undefined,
  { outcome, code }: Pick<HistoryEntry, 'outcome' | 'code'>,
  { firstMs, maxMs }: BackoffRules,
  now: number,
  jitter: number,
): Backoff | null {
  if (outcome === 'Rebooted') return null;
  if (NO_FAILURE.has(code)) return before ?? null;
  const failures = (before?.failures ?? 0) + 1;
  const wait = Math.min(Math.max(firstMs, maxMs), firstMs * 2 ** Math.min(failures - 1, 10)) * (1 + jitter / 5);
  return { failures, until: new Date(now + wait).toISOString(), code };
}
