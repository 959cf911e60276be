import { CONTROLLER_LABELS } from '../api/names.ts';
import type { Lease, Node, Pod, PodDisruptionBudget } from '../api/objects.ts';
import type { EvictionOutcome, NodeView, PodBudget, Replica } from '../core/model.ts';
import { isNotFound } from './errors.ts';
import { tryEviction } from './evict.ts';
import type { KubeApi } from './kubeApi.ts';
import * as paths from './paths.ts';
import type { Reads } from './ports.ts';
import { nodeView, podBudget, replica, withoutManagedFields } from './project.ts';

/** The reads from a real cluster. */
export class ClusterReads implements Reads {
  readonly #api: KubeApi;
  readonly #namespace: string;
  readonly #seen: (node: Node) => void;

  /** @param namespace where the controller's own pods are; @param seen takes in the Nodes that were read, so that caches are not behind what was decided from */
  constructor(api: KubeApi, namespace: string, seen: (node: Node) => void) {
    this.#api = api;
    this.#namespace = namespace;
    this.#seen = seen;
  }

  async nodes(): Promise<readonly NodeView[]> {
    const { items } = await this.#api.list<Node>(paths.NODES);
    for (const node of items) this.#seen(node);
    return items.map(nodeView);
  }

  async node(name: string): Promise<NodeView | undefined> {
    const node = await ifFound(this.#api.get<Node>(paths.node(name)));
    if (node !== undefined) this.#seen(node);
    return node && nodeView(node);
  }

  async pods(node: string): Promise<readonly Pod[]> {
    const { items } = await this.#api.list<Pod>(paths.PODS, podsOf(node));
    return items.map(withoutManagedFields);
  }

  async leaseRenewTime(node: string): Promise<string> {
    const lease = await ifFound(this.#api.get<Lease>(paths.nodeLease(node)));
    return lease?.spec?.renewTime ?? '';
  }

  async replicas(): Promise<readonly Replica[]> {
    const { items } = await this.#api.list<Pod>(paths.pods(this.#namespace), { labelSelector: CONTROLLER_LABELS });
    return items.map(replica);
  }

  async budgets(): Promise<readonly PodBudget[]> {
    const { items } = await this.#api.list<PodDisruptionBudget>(paths.POD_DISRUPTION_BUDGETS);
    return items.map(podBudget);
  }

  async tryEviction(pod: Pod): Promise<EvictionOutcome> {
    return await tryEviction(this.#api, pod);
  }
}

/** Selects the pods of one node. */
export function podsOf(node: string): { fieldSelector: string } {
  return { fieldSelector: `spec.nodeName=${node}` };
}

async function ifFound<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
