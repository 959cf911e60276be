/** Pods one by one, for tests of what a drain does with each kind of them. */

import type { OwnerReference } from '../../../src/api/objects.ts';
import { waitFor } from '../../testbed/process/wait.ts';
import { type Harbour, SOON } from './harbour.ts';

export interface LonePod {
  name: string;
  /** Where it runs; it is not scheduled. */
  node: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  /** What makes it again, or is said to. Default: something that the cluster does not know, and that does not. Null: nothing. */
  owner?: Pick<OwnerReference, 'kind' | 'name'> | null;
  emptyDir?: boolean;
}

/** A kind of which the garbage collector knows nothing, so that it leaves alone what is owned by it. */
const UNKNOWN = 'example.invalid/v1';
const SOMEBODY = { kind: 'Database', name: 'main' };

/** Creates a pod that is not made again when it goes, and waits until it is Ready; returns its UID. */
export async function addPod(h: Harbour, pod: LonePod): Promise<string> {
  const { name, node, labels = {}, annotations = {}, finalizers = [], owner = SOMEBODY, emptyDir = false } = pod;
  const ownerReferences = owner === null ? [] : [{ apiVersion: UNKNOWN, uid: 'unknown', controller: true, ...owner }];
  const spec = {
    nodeName: node,
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: 'example.invalid/main' }],
    ...(emptyDir ? { volumes: [{ name: 'scratch', emptyDir: {} }] } : {}),
  };
  const metadata = { name, namespace: 'default', labels: { app: name, ...labels }, annotations, finalizers };
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, ownerReferences }, spec };
  await h.bed.apply(JSON.stringify(body));
  await h.kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
  return await uidOf(h, name);
}

/** The UID of the pod of that name; empty if there is none. */
export async function uidOf(h: Harbour, pod: string): Promise<string> {
  return await h.kubectl('get', 'pod', pod, '--ignore-not-found', '-o', 'jsonpath={.metadata.uid}');
}

/** Creates a PodDisruptionBudget over the pods with the label `app`, and waits until it allows so many disruptions. */
export async function addBudget(
  h: Harbour,
  { name, app, minAvailable, allows }: { name: string; app: string; minAvailable: number; allows: number },
): Promise<void> {
  const spec = { minAvailable, selector: { matchLabels: { app } } };
  const metadata = { name, namespace: 'default' };
  await h.bed.apply(JSON.stringify({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec }));
  const counted = async () => {
    const path = 'jsonpath={.status.observedGeneration} {.status.disruptionsAllowed}';
    return (await h.kubectl('get', 'pdb', name, '-o', path)) === `1 ${allows}`;
  };
  await waitFor(`${name} to allow ${allows}`, counted, { timeoutMs: SOON });
}

/** The evictions that were asked for of a pod, tried out (`?dryRun=All`) or meant; each with the answer's HTTP status. */
export function evictionsOf(h: Harbour, pod: string): { dryRun: boolean; code: number }[] {
  return h.bed.audit
    .requests({ resource: 'pods/eviction', name: pod })
    .map(({ uri, code }) => ({ dryRun: new URL(uri, 'https://localhost').searchParams.get('dryRun') === 'All', code }));
}
