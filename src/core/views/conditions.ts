import type { Condition } from '../../api/objects.ts';

/** A condition as decided, before it is known whether it is news. */
export type Said = Omit<Condition, 'lastTransitionTime'>;

/**
 * Conditions as they should be stored: the transition time is kept while the status stays, and conditions of types
 * that nothing is said about are dropped.
 *
 * @param now epoch ms
 */
export function mergeConditions(before: readonly Condition[], said: readonly Said[], now: number): Condition[] {
  return said.map((condition) => {
    const old = before.find(({ type }) => type === condition.type);
    const unchanged = old !== undefined && old.status === condition.status;
    return { ...condition, lastTransitionTime: unchanged ? old.lastTransitionTime : new Date(now).toISOString() };
  });
}
