import type { Lease, Node, Pod } from '../api/objects.ts';
import type { NodeView } from '../core/model.ts';
import { isNotFound } from './errors.ts';
import type { KubeApi } from './kubeApi.ts';
import * as paths from './paths.ts';
import type { Reads } from './ports.ts';
import { nodeView, withoutManagedFields } from './project.ts';

/** The reads from a real cluster. */
export class ClusterReads implements Reads {
  readonly #api: KubeApi;
  readonly #seen: (node: Node) => void;

  /** @param seen takes in the Nodes that were read, so that caches are not behind what was decided from */
  constructor(api: KubeApi, seen: (node: Node) => void) {
    this.#api = api;
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
