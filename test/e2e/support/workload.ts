/** Pods for nodes to be drained of. */

import type { Harbour } from './harbour.ts';

export interface Workload {
  name: string;
  replicas: number;
  /** Pods that have to stay available; without it there is no PodDisruptionBudget. */
  minAvailable?: number;
  /** Where its pods may run. Default: anywhere that is schedulable. */
  nodeSelector?: Record<string, string>;
}

/** Creates a Deployment, and its PodDisruptionBudget, and waits until its pods are available. */
export async function deploy(
  harbour: Harbour,
  { name, replicas, minAvailable, nodeSelector }: Workload,
): Promise<void> {
  const labels = { app: name };
  const pod = {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: 'example.invalid/main' }],
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
  };
  const objects: object[] = [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'default' },
      spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
    },
  ];
  if (minAvailable !== undefined) {
    const spec = { minAvailable, selector: { matchLabels: labels } };
    objects.push({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name, namespace: 'default' },
      spec,
    });
  }
  await harbour.bed.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  await harbour.kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s');
}

/** The names of the pods on a node that have not been asked to go. */
export async function podsOn(harbour: Harbour, node: string): Promise<string[]> {
  const list = await harbour.kubectl('get', 'pods', '-A', `--field-selector=spec.nodeName=${node}`, '-o', 'json');
  const { items } = JSON.parse(list) as { items: { metadata: { name: string; deletionTimestamp?: string } }[] };
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.name);
}
