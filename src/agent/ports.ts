import type { Probe, Sentinel } from '../core/agent.ts';
import type { NodeReboot } from '../core/model.ts';

/** The node that the agent runs on. */
export interface NodeFacts {
  /** The boot ID of the running kernel. @throws when it cannot be read */
  bootID(): Promise<string>;
  /** Seconds since boot, on the clock that goes on while the machine sleeps. @throws when it cannot be read */
  uptime(): Promise<number>;
}

/** The sentinels of the node. */
export interface Sentinels {
  /** @throws when it cannot be told whether there is one */
  read(): Promise<Sentinel>;
  /** Calls back whenever something may have changed, until the signal aborts; it need not notice all. */
  watch(onChange: () => void, signal: AbortSignal): void;
}

/** What came of an order. */
export type OrderOutcome =
  | { kind: 'ordered' }
  /** The node may be about to reboot, or not. */
  | { kind: 'unknown'; why: string }
  /** It is certain that nothing was ordered. */
  | { kind: 'refused'; reason: string };

/** The rebooter beside the agent; `docs/rebooter-protocol.md`. */
export interface Rebooter {
  probe(attemptID: string): Promise<Probe>;
  order(attemptID: string): Promise<OrderOutcome>;
}

/** The agent's own NodeReboot in the cluster. */
export interface OwnNodeReboot {
  /** As last seen; undefined while there is none. */
  current(): NodeReboot | undefined;
  /**
   * Merges into `status.agent`, if the object has not changed since it was read.
   *
   * @throws ApiError 409 when it has
   */
  patchAgent(nodeReboot: NodeReboot, agent: Record<string, unknown>): Promise<void>;
  /** Reads the object anew. */
  refresh(): Promise<void>;
}
