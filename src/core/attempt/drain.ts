import type { Pod } from '../../api/objects.ts';
import type { EvictionRecord } from '../model.ts';
import type { Rules } from '../policy/rules.ts';

/** What a drain does with one pod. */
export type PodVerdict =
  | { action: 'leave'; why: 'mirror' | 'daemonSet' | 'finished' }
  | { action: 'await' }
  | { action: 'evict' }
  | { action: 'refuse'; why: string };

/** How many evictions are under way at a time. */
const MAX_PARALLEL_EVICTIONS = 20;

/** The annotation by which the kubelet marks the pods that it runs from files; they cannot be evicted. */
const MIRROR = 'kubernetes.io/config.mirror';

/** What a drain does with a pod, by kubectl's rules; pods that have finished are left, since nothing of them runs. */
export function judgePod(pod: Pod, rules: Rules['drain']): PodVerdict {
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (pod.metadata.annotations?.[MIRROR] !== undefined) return { action: 'leave', why: 'mirror' };
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return { action: 'leave', why: 'finished' };
  if (owner?.kind === 'DaemonSet') return { action: 'leave', why: 'daemonSet' };
  if (pod.metadata.deletionTimestamp !== undefined) return { action: 'await' };
  if (owner === undefined && !rules.force) {
    return { action: 'refuse', why: 'has no controller that would make it again (drain.force evicts it)' };
  }
  const emptyDir = pod.spec?.volumes?.find((volume) => volume.emptyDir !== undefined);
  if (emptyDir !== undefined && !rules.deleteEmptyDirData) {
    return {
      action: 'refuse',
      why: `keeps data in the emptyDir ${emptyDir.name} (drain.deleteEmptyDirData evicts it)`,
    };
  }
  return { action: 'evict' };
}

/** How far a drain is and what it does next. */
export interface DrainState {
  /** Pods that have to go and are still there. */
  left: readonly Pod[];
  /** Pods that the policy forbids to evict, each with the reason. */
  refused: readonly string[];
  /** Pods to evict now. */
  evictNow: readonly Pod[];
  /** Pods whose eviction was refused, each with the reason. */
  waitingFor: readonly string[];
  /** Monotonic ms at which the next eviction is due; Infinity when none is. */
  nextEviction: number;
}

/** @param mono now, monotonic ms */
export function drainState(
  pods: readonly Pod[],
  rules: Rules['drain'],
  evictions: ReadonlyMap<string, EvictionRecord>,
  mono: number,
): DrainState {
  const judged = pods.map((pod) => ({ pod, verdict: judgePod(pod, rules) }));
  const toEvict = judged.filter(({ verdict }) => verdict.action === 'evict').map(({ pod }) => pod);
  const record = (pod: Pod) => evictions.get(pod.metadata.uid);
  const due = toEvict.filter((pod) => (record(pod)?.notBefore ?? 0) <= mono);
  const later = toEvict.map((pod) => record(pod)?.notBefore ?? 0).filter((at) => at > mono);
  return {
    left: judged
      .filter(({ verdict }) => verdict.action === 'evict' || verdict.action === 'await')
      .map(({ pod }) => pod),
    refused: judged.flatMap(({ pod, verdict }) =>
      verdict.action === 'refuse' ? [`${nameOf(pod)} ${verdict.why}`] : [],
    ),
    evictNow: due.slice(0, MAX_PARALLEL_EVICTIONS),
    waitingFor: toEvict.flatMap((pod) => {
      const refusal = record(pod)?.refusal;
      return refusal ? [`${nameOf(pod)}: ${refusal}`] : [];
    }),
    nextEviction: Math.min(Number.POSITIVE_INFINITY, ...later),
  };
}

export function nameOf(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}
