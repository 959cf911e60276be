import type { KubeApi } from '../cluster/kubeApi.ts';
import { NODE_REBOOTS, nodeRebootStatus, nodeReboot as pathOf } from '../cluster/paths.ts';
import { withoutManagedFields } from '../cluster/project.ts';
import { Reflector } from '../cluster/reflector.ts';
import type { NodeReboot } from '../core/model.ts';
import type { Reconnect } from '../core/reconnect.ts';
import type { Clock, Random } from '../platform/clock.ts';
import type { OwnNodeReboot } from './ports.ts';

export interface WatchedOptions {
  api: KubeApi;
  /** The node's name, which is the NodeReboot's. */
  name: string;
  clock: Clock;
  random: Random;
  onChange: () => void;
  onError: (error: unknown) => void;
  /** No byte of its watch for this long is a dead connection, milliseconds. */
  idleMs?: number;
}

/**
 * However many agents there are, they lose their API server together. 5,000 of them come back over 20 s, and never more
 * than 500 in a second, however long it was away. It must take no longer: an agent has 30 s to answer its controller.
 */
export const AGENT_RECONNECT: Reconnect = { firstMs: 20_000, lastMs: 60_000 };

/** A watch is opened once in an hour or two: that is all that an agent asks while nothing happens. */
const WATCH_SECONDS = 3_600;

/** The agent's own NodeReboot, by a watch of this one object. */
export class WatchedNodeReboot implements OwnNodeReboot {
  readonly #api: KubeApi;
  readonly #name: string;
  readonly #reflector: Reflector<NodeReboot, NodeReboot>;

  constructor({ api, name, ...rest }: WatchedOptions) {
    this.#api = api;
    this.#name = name;
    const query = { fieldSelector: `metadata.name=${name}` };
    this.#reflector = new Reflector({
      api,
      path: NODE_REBOOTS,
      query,
      project: withoutManagedFields,
      reconnect: AGENT_RECONNECT,
      watchSeconds: WATCH_SECONDS,
      ...rest,
    });
  }

  /** Whether the API server has answered. */
  get synced(): boolean {
    return this.#reflector.synced;
  }

  /** When the API server was last heard of or tried, in milliseconds of the monotonic clock. */
  get signAt(): number {
    return this.#reflector.signAt;
  }

  async run(): Promise<void> {
    await this.#reflector.run();
  }

  stop(): void {
    this.#reflector.stop();
  }

  current(): NodeReboot | undefined {
    return this.#reflector.get(this.#name);
  }

  async patchAgent({ metadata: { name, resourceVersion } }: NodeReboot, agent: Record<string, unknown>): Promise<void> {
    const body = { metadata: { resourceVersion }, status: { agent } };
    this.#reflector.put(await this.#api.patch<NodeReboot>(nodeRebootStatus(name), body));
  }

  async refresh(): Promise<void> {
    this.#reflector.put(await this.#api.get<NodeReboot>(pathOf(this.#name)));
  }
}
