import { GROUP } from '../api/names.ts';
import type { DaemonSet, ManagedFieldsEntry, Node, Pod, PodDisruptionBudget } from '../api/objects.ts';
import type { DaemonSetView, NodeView, PodBudget, Replica } from '../core/model.ts';
import { isReady } from '../core/pod.ts';
import { productOf } from './rebooters.ts';

/** What the controller keeps of a Node: a few hundred bytes of about ten thousand. */
export function nodeView({ metadata, spec, status }: Node): NodeView {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => key.startsWith(`${GROUP}/`));
  return {
    name: metadata.name,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    labels: metadata.labels ?? {},
    annotations: Object.fromEntries(annotations),
    createdAt: metadata.creationTimestamp,
    deleting: metadata.deletionTimestamp !== undefined,
    unschedulable: spec?.unschedulable === true,
    taints: (spec?.taints ?? [])
      .filter(({ key, effect }) => effect !== 'PreferNoSchedule' && !key.startsWith('node.kubernetes.io/'))
      .map(({ key, value = '', effect }) => `${key}=${value}:${effect}`),
    unschedulableManagers: (metadata.managedFields ?? [])
      .filter(ownsUnschedulable)
      .map(({ manager = '' }) => manager)
      .sort(),
    bootID: status?.nodeInfo?.bootID ?? '',
    ready: ready?.status === 'True',
    lastHeartbeatTime: ready?.lastHeartbeatTime ?? '',
  };
}

function ownsUnschedulable({ fieldsV1 }: ManagedFieldsEntry): boolean {
  const spec = fieldsV1?.['f:spec'];
  return typeof spec === 'object' && spec !== null && 'f:unschedulable' in spec;
}

export function daemonSetView(daemonSet: DaemonSet): DaemonSetView {
  return { uid: daemonSet.metadata.uid, rebooter: productOf(daemonSet) };
}

export function podBudget({ metadata, spec, status }: PodDisruptionBudget): PodBudget {
  return {
    namespace: metadata.namespace ?? '',
    selector: spec?.selector ?? null,
    disruptionsAllowed: status?.disruptionsAllowed ?? 0,
  };
}

export function replica(pod: Pod): Replica {
  return { pod: pod.metadata.name, node: pod.spec?.nodeName ?? '', ready: isReady(pod) };
}

/** Drops from an object what no decision reads, before it is kept. */
export function withoutManagedFields<O extends { metadata: { managedFields?: unknown } }>(object: O): O {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata } as O;
}
