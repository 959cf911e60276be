import { LOCK_LEASE } from '../api/names.ts';
import type { DaemonSet, KubeObject, Lease, Node, Pod } from '../api/objects.ts';
import type { Written } from '../cluster/effects.ts';
import type { KubeApi, Query } from '../cluster/kubeApi.ts';
import * as paths from '../cluster/paths.ts';
import { daemonSetView, nodeView, withoutManagedFields } from '../cluster/project.ts';
import { podsOf } from '../cluster/reads.ts';
import { Reflector } from '../cluster/reflector.ts';
import type { DaemonSetView, NodeReboot, NodeView, RebootPolicy } from '../core/model.ts';
import type { Clock, Random } from '../platform/clock.ts';

export interface CachesOptions {
  api: KubeApi;
  namespace: string;
  clock: Clock;
  random: Random;
  onChange: () => void;
  onError: (error: unknown) => void;
}

/** Local copies of what decisions are made from: no more, so that memory does not grow with pods. */
export class Caches implements Written {
  readonly nodes: Reflector<Node, NodeView>;
  readonly nodeReboots: Reflector<NodeReboot, NodeReboot>;
  readonly policies: Reflector<RebootPolicy, RebootPolicy>;
  readonly daemonSets: Reflector<DaemonSet, DaemonSetView>;
  /** Ours, and those of other Drydocks. */
  readonly locks: Reflector<Lease, Lease>;
  readonly namespaces: Reflector<KubeObject, KubeObject>;
  /** Pods of the nodes that are being drained, by node. */
  readonly #pods = new Map<string, Reflector<Pod, Pod>>();
  readonly #options: CachesOptions;

  constructor(options: CachesOptions) {
    this.#options = options;
    this.nodes = this.#reflect<Node, NodeView>(paths.NODES, {}, nodeView);
    this.nodeReboots = this.#reflect<NodeReboot, NodeReboot>(paths.NODE_REBOOTS, {}, withoutManagedFields);
    this.policies = this.#reflect<RebootPolicy, RebootPolicy>(paths.REBOOT_POLICIES, {}, withoutManagedFields);
    const { api, clock, random, onChange, onError } = options;
    this.daemonSets = new Reflector<DaemonSet, DaemonSetView>({
      api,
      path: paths.DAEMON_SETS,
      project: daemonSetView,
      equal: (one, other) => one.uid === other.uid && one.rebooter === other.rebooter,
      onChange,
      onError,
      clock,
      random,
    });
    this.locks = this.#reflect<Lease, Lease>(paths.LEASES, named(LOCK_LEASE), withoutManagedFields);
    this.namespaces = this.#reflect<KubeObject, KubeObject>(
      '/api/v1/namespaces',
      named(options.namespace),
      withoutManagedFields,
    );
  }

  get synced(): boolean {
    return this.#all().every(({ synced }) => synced);
  }

  /** Begins to watch one of the paths that caches are kept of. */
  watch(path: string): void {
    const reflector = this.#all().find((one) => one.path === path);
    if (reflector === undefined) throw new Error(`no cache is kept of ${path}`);
    void reflector.run();
  }

  /** Reads everything anew, past what the watches have told. @throws when anything cannot be read */
  async refresh(): Promise<void> {
    await Promise.all(this.#all().map((reflector) => reflector.refresh()));
  }

  /** Reads the lock anew. @throws when it cannot be read */
  async refreshLock(): Promise<void> {
    await this.locks.refresh();
  }

  /** Reads anew where people may have said stop. @throws when it cannot be read */
  async refreshPeople(): Promise<void> {
    await Promise.all([this.policies.refresh(), this.namespaces.refresh()]);
  }

  stop(): void {
    for (const reflector of [...this.#all(), ...this.#pods.values()]) reflector.stop();
  }

  /** The pods of the nodes that are watched and have been listed, by node. */
  watchedPods(): Map<string, readonly Pod[]> {
    const synced = [...this.#pods].filter(([, reflector]) => reflector.synced);
    return new Map(synced.map(([node, reflector]) => [node, [...reflector.views().values()]]));
  }

  /** Begins to watch the pods of a node. A change is reported by `onChange`, as is the first list. */
  watchPods(node: string): void {
    if (this.#pods.has(node)) return;
    const reflector = this.#reflect<Pod, Pod>(paths.PODS, podsOf(node), withoutManagedFields);
    this.#pods.set(node, reflector);
    void reflector.run();
  }

  /** Ends the watches of the pods of all other nodes. */
  keepPodsOf(nodes: ReadonlySet<string>): void {
    for (const [node, reflector] of this.#pods) {
      if (nodes.has(node)) continue;
      reflector.stop();
      this.#pods.delete(node);
    }
  }

  lock(lease: Lease): void {
    this.locks.put(lease);
  }

  node(node: Node): void {
    this.nodes.put(node);
  }

  nodeReboot(nodeReboot: NodeReboot): void {
    this.nodeReboots.put(nodeReboot);
  }

  policy(policy: RebootPolicy): void {
    this.policies.put(policy);
  }

  #all() {
    return [this.nodes, this.nodeReboots, this.policies, this.daemonSets, this.locks, this.namespaces];
  }

  #reflect<O extends KubeObject, V>(path: string, query: Query, project: (object: O) => V): Reflector<O, V> {
    const { api, clock, random, onChange, onError } = this.#options;
    return new Reflector({ api, path, query, project, onChange, onError, clock, random });
  }
}

function named(name: string): Query {
  return { fieldSelector: `metadata.name=${name}` };
}
