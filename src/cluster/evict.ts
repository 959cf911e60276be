import type { Pod } from '../api/objects.ts';
import type { EvictionOutcome } from '../core/model.ts';
import { ApiError } from './errors.ts';
import type { KubeApi } from './kubeApi.ts';
import { eviction, pod } from './paths.ts';

/**
 * Evicts exactly the pod that was listed: the UID precondition keeps a new pod of the same name from being taken for
 * it. Answers by `pkg/registry/core/pod/storage/eviction.go` of Kubernetes.
 *
 * @param gracePeriodSeconds null for the pod's own
 */
export async function evict(api: KubeApi, pod: Pod, gracePeriodSeconds: number | null): Promise<EvictionOutcome> {
  const { name, namespace = '' } = pod.metadata;
  return await outcome(api.create(eviction(namespace, name), evictionOf(pod, gracePeriodSeconds)));
}

/** Asks what the API server would say to the eviction of a pod, changing nothing (by query parameter, so that audit logs show it). */
export async function tryEviction(api: KubeApi, pod: Pod): Promise<EvictionOutcome> {
  const { name, namespace = '' } = pod.metadata;
  return await outcome(api.create(`${eviction(namespace, name)}?dryRun=All`, evictionOf(pod, null)));
}

/** Deletes exactly the pod that was listed, past its PodDisruptionBudgets. */
export async function deletePod(api: KubeApi, of: Pod, gracePeriodSeconds: number | null): Promise<EvictionOutcome> {
  const { name, namespace = '', uid } = of.metadata;
  const grace = gracePeriodSeconds === null ? {} : { gracePeriodSeconds };
  return await outcome(api.remove(pod(namespace, name), { uid }, grace));
}

function evictionOf({ metadata }: Pod, gracePeriodSeconds: number | null): object {
  const { name, namespace = '', uid } = metadata;
  const grace = gracePeriodSeconds === null ? {} : { gracePeriodSeconds };
  const deleteOptions = { ...grace, preconditions: { uid } };
  return { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions };
}

async function outcome(request: Promise<unknown>): Promise<EvictionOutcome> {
  try {
    await request;
    return { kind: 'granted' };
  } catch (error) {
    return outcomeOf(error);
  }
}

function outcomeOf(error: unknown): EvictionOutcome {
  if (!(error instanceof ApiError)) return { kind: 'error', message: messageOf(error) };
  const { status, retryAfterMs, message, causes } = error;
  // 404: gone; 409: another pod has its name. Neither is the pod that we listed.
  if (status === 404 || status === 409) return { kind: 'granted' };
  if (status === 429) {
    const budget = causes.find(({ reason }) => reason === 'DisruptionBudget');
    return budget
      ? { kind: 'budget', message: budgetMessage(budget.message), retryAfterMs }
      : { kind: 'throttled', retryAfterMs };
  }
  if (status === 500 && message.includes('more than one PodDisruptionBudget')) return { kind: 'manyBudgets' };
  return { kind: 'error', message: messageOf(error) };
}

/** Names the budget, without the pod counts that change by themselves. */
function budgetMessage(cause: string): string {
  const name = /disruption budget (\S+) needs/.exec(cause)?.[1];
  return name === undefined
    ? 'a PodDisruptionBudget allows no disruption now'
    : `PodDisruptionBudget ${name} allows no disruption now`;
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 300);
}
