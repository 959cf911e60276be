import type { Pod } from '../../api/objects.ts';
import type { Ask, EvictionOutcome, PodBudget, Verdict } from '../model.ts';
import { nameOf } from '../pod.ts';
import { matches } from '../policy/selector.ts';
import { drainOf, reading, refused } from './draining.ts';
import { end, type LiveContext, type Progress } from './progress.ts';

/** How long the reads before the cordon may take altogether. */
const PREFLIGHT_TIMEOUT_MS = 60_000;
/** How soon an eviction is tried out again when the API server could not say. */
const RETRY_MS = 2_000;
/** As many evictions are tried out as are needed to name what blocks. */
const TRIED_OUT_AT_MOST = 20;

/**
 * What would stop the drain half-way is found before the cordon: pods that the policy does not allow to evict, and,
 * unless the policy goes on past its deadline in another way, PodDisruptionBudgets that have none to give.
 */
export function preflight(context: LiveContext): Progress | null {
  const { cordon, timers, slot, rules } = context;
  if (cordon.whose !== 'none') return null;
  const late = timers.expired(`preflight/${slot.attemptID}`, PREFLIGHT_TIMEOUT_MS);
  const state = drainOf(context);
  if (state === null) return late ? end(context, NOT_READABLE) : reading(context, 'Preparing');
  if (state.refused.length > 0) return end(context, refused(state));
  if (rules.drain.onTimeout !== 'Abort' || state.toEvict.length === 0) return null;
  const found = budgetsOf(context, state.toEvict);
  if (Array.isArray(found)) return found.length === 0 ? null : end(context, wouldBlock(found));
  return late ? end(context, NOT_READABLE) : found;
}

/** What PodDisruptionBudgets would refuse, in words; or what has to be read to know. */
function budgetsOf({ snapshot, node, timers }: LiveContext, pods: readonly Pod[]): string[] | Progress {
  const { budgets, dryRuns } = snapshot.answers;
  if (budgets === null) return asking({ kind: 'budgets' });
  const doubtful = pods.filter((pod) => isDoubtful(pod, budgets)).slice(0, TRIED_OUT_AT_MOST);
  const untried = doubtful.filter(({ metadata }) => !dryRuns.has(metadata.uid));
  if (untried.length > 0) return asking({ kind: 'dryRun', node: node.name, pods: untried });
  if (doubtful.some(({ metadata }) => isUnknown(dryRuns.get(metadata.uid)))) {
    timers.wakeIn(RETRY_MS);
    return asking();
  }
  return doubtful.flatMap((pod) => refusalOf(pod, dryRuns.get(pod.metadata.uid)));
}

/** Whether a pod's budgets, as they are now, would not let it be evicted: only then the API server is asked. */
export function isDoubtful({ metadata, status }: Pod, budgets: readonly PodBudget[]): boolean {
  if (status?.phase === 'Pending' || metadata.deletionTimestamp !== undefined) return false;
  const its = budgets.filter(
    ({ namespace, selector }) =>
      namespace === metadata.namespace && selector !== null && matches(selector, metadata.labels ?? {}),
  );
  return its.length > 1 || its.some(({ disruptionsAllowed }) => disruptionsAllowed < 1);
}

function refusalOf(pod: Pod, outcome: EvictionOutcome | undefined): string[] {
  const name = nameOf(pod);
  if (outcome?.kind === 'budget') return [`${name}: ${outcome.message}`];
  if (outcome?.kind === 'manyBudgets') return [`${name}: more than one PodDisruptionBudget selects it`];
  return [];
}

function wouldBlock(pods: readonly string[]): Verdict {
  const message = `The node was not cordoned, since pods on it cannot be evicted now: ${pods.slice(0, 5).join('; ')}`;
  return { code: 'DrainWouldBlock', message };
}

/** Neither granted nor refused: the API server could not say. It is asked again in the next cycle. */
function isUnknown(outcome: EvictionOutcome | undefined): boolean {
  return outcome?.kind === 'throttled' || outcome?.kind === 'error';
}

function asking(...asks: Ask[]): Progress {
  const message = 'It is found out whether the pods of the node could be evicted.';
  return { phase: 'Preparing', verdict: { code: 'Preflight', message }, asks };
}

const NOT_READABLE: Verdict = {
  code: 'NotReadable',
  message: "The node's pods or the PodDisruptionBudgets could not be read. The controller's log says why.",
};
