import type { Pod } from '../../api/objects.ts';
import type { DaemonSetView, EvictionRecord, Self } from '../model.ts';
import { controllerOf, nameOf } from '../pod.ts';
import type { DrainRules } from '../policy/rules.ts';
import { matches } from '../policy/selector.ts';
import type { Timers } from '../timers.ts';

/** What a drain does with one pod. */
export type PodVerdict =
  | { action: 'leave'; why: 'mirror' | 'daemonSet' | 'finished' | 'notSelected' | 'controller' | 'stuck' }
  | { action: 'await' }
  | { action: 'evict' }
  | { action: 'refuse'; why: string };

/** What pods are judged by. */
export interface DrainContext {
  rules: DrainRules;
  /** By `namespace/name`. */
  daemonSets: ReadonlyMap<string, DaemonSetView>;
  /** The controller's own pod, where it stays on its node until the reboot; null where it is a pod like any other. */
  spared: Self | null;
  timers: Timers;
  /** How pods are moved: what was learnt of evictions does not keep a pod from being deleted. */
  kind: EvictionRecord['kind'];
}

/** The annotation by which the kubelet marks the pods that it runs from files; they cannot be evicted. */
const MIRROR = 'kubernetes.io/config.mirror';

type Filter = (pod: Pod, context: DrainContext) => PodVerdict | null;

/** What a drain does with a pod, by kubectl's rules; pods that have finished are left, since nothing of them runs. */
export function judgePod(pod: Pod, context: DrainContext): PodVerdict {
  for (const filter of FILTERS) {
    const verdict = filter(pod, context);
    if (verdict !== null) return verdict;
  }
  return { action: 'evict' };
}

/** The first that says something decides. */
const FILTERS: readonly Filter[] = [
  ({ metadata }) => (metadata.annotations?.[MIRROR] === undefined ? null : { action: 'leave', why: 'mirror' }),
  (pod) => (hasFinished(pod) ? { action: 'leave', why: 'finished' } : null),
  ({ metadata: { namespace, name } }, { spared }) =>
    spared !== null && namespace === spared.namespace && name === spared.pod
      ? { action: 'leave', why: 'controller' }
      : null,
  ({ metadata }, { rules }) =>
    matches(rules.podSelector, metadata.labels ?? {}) ? null : { action: 'leave', why: 'notSelected' },
  (pod, { daemonSets, rules }) => {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'DaemonSet') return null;
    const isThere = daemonSets.get(`${pod.metadata.namespace}/${owner.name}`)?.uid === owner.uid;
    if (isThere) return { action: 'leave', why: 'daemonSet' };
    // Its garbage collection is under way.
    if (pod.metadata.deletionTimestamp !== undefined) return null;
    const why = `belongs to the DaemonSet ${owner.name}, which is gone (drain.force evicts it)`;
    return rules.force ? null : { action: 'refuse', why };
  },
  ({ metadata }, { rules, timers }) => {
    if (metadata.deletionTimestamp === undefined) return null;
    const stuck = rules.skipWaitMs > 0 && timers.expired(`terminating/${metadata.uid}`, rules.skipWaitMs);
    return stuck ? { action: 'leave', why: 'stuck' } : { action: 'await' };
  },
  (pod, { rules }) =>
    controllerOf(pod) === undefined && !rules.force
      ? { action: 'refuse', why: 'has no controller that would make it again (drain.force evicts it)' }
      : null,
  ({ spec }, { rules }) => {
    const emptyDir = spec?.volumes?.find((volume) => volume.emptyDir !== undefined);
    if (emptyDir === undefined || rules.deleteEmptyDirData) return null;
    const why = `keeps data in the emptyDir ${emptyDir.name} (drain.deleteEmptyDirData evicts it)`;
    return { action: 'refuse', why };
  },
];

function hasFinished({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** How far a drain is and what it does next. */
export interface DrainState {
  /** Pods that have to go and are still there. */
  left: readonly Pod[];
  /** Those of them that are not being deleted yet. */
  toEvict: readonly Pod[];
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
  context: DrainContext,
  evictions: ReadonlyMap<string, EvictionRecord>,
  mono: number,
): DrainState {
  const judged = pods.map((pod) => ({ pod, verdict: judgePod(pod, context) }));
  const toEvict = judged.filter(({ verdict }) => verdict.action === 'evict').map(({ pod }) => pod);
  const record = ({ metadata: { uid } }: Pod) => {
    const found = evictions.get(uid);
    return found?.kind === context.kind ? found : undefined;
  };
  const due = toEvict.filter((pod) => (record(pod)?.notBefore ?? 0) <= mono);
  const later = toEvict.map((pod) => record(pod)?.notBefore ?? 0).filter((at) => at > mono);
  return {
    left: judged
      .filter(({ verdict }) => verdict.action === 'evict' || verdict.action === 'await')
      .map(({ pod }) => pod),
    toEvict,
    refused: judged.flatMap(({ pod, verdict }) =>
      verdict.action === 'refuse' ? [`${nameOf(pod)} ${verdict.why}`] : [],
    ),
    evictNow: due.slice(0, context.rules.maxParallelEvictions),
    waitingFor: toEvict.flatMap((pod) => {
      const refusal = record(pod)?.refusal;
      return refusal ? [`${nameOf(pod)}: ${refusal}`] : [];
    }),
    nextEviction: Math.min(Number.POSITIVE_INFINITY, ...later),
  };
}
