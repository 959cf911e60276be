import { ClusterEffects } from '../cluster/effects.ts';
import { EventRecorder } from '../cluster/events.ts';
import type { KubeApi } from '../cluster/kubeApi.ts';
import type { LeaderElection } from '../cluster/leader.ts';
import { ClusterReads } from '../cluster/reads.ts';
import type { Self } from '../core/model.ts';
import type { Clock, Random } from '../platform/clock.ts';
import { Wakeup } from '../platform/wakeup.ts';
import { errorFields, type Log } from '../telemetry/log.ts';
import type { ControllerMetrics } from '../telemetry/metrics.ts';
import { Actor } from './actor.ts';
import { Caches } from './caches.ts';
import { type AskGates, GateKeeper } from './gateKeeper.ts';
import { Gatherer } from './gatherer.ts';
import { ControlLoop } from './loop.ts';
import type { Work } from './operator.ts';
import { StatusWriter } from './statusWriter.ts';

export interface ControllerOptions {
  /** For reads and watches. */
  api: KubeApi;
  /** For effects: refuses to send once leadership may have passed on. */
  fencedApi: KubeApi;
  leader: LeaderElection;
  namespace: string;
  /** This process, in Events and in leader election. */
  identity: string;
  /** The cap over all policies, in nodes. */
  maxDisrupted: number;
  /** Where this controller runs; null where it is not known. */
  self: Self | null;
  askGates: AskGates;
  newAttemptID: () => string;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: ControllerMetrics;
}

/** A loop that has not come to the end of a cycle for this long is stuck. */
const STUCK_MS = 180_000;

/** The controller without its process: caches, election and loop, put together. */
export class Controller implements Work {
  readonly #options: ControllerOptions;
  readonly #caches: Caches;
  readonly #loop: ControlLoop;
  readonly #wakeup: Wakeup;

  constructor(options: ControllerOptions) {
    this.#options = options;
    const { api, fencedApi, leader, namespace, identity, clock, random, log, metrics } = options;
    const onError = (error: unknown) => {
      metrics.failed('read');
      log.warn('a read failed', errorFields(error));
    };
    const wakeup = new Wakeup(clock);
    const caches = new Caches({ api, namespace, clock, random, onChange: () => wakeup.poke(), onError });
    const effects = new ClusterEffects(
      fencedApi,
      namespace,
      caches,
      new EventRecorder(fencedApi, identity, clock, random),
    );
    const reads = new ClusterReads(api, namespace, (node) => caches.node(node));
    const gates = new GateKeeper(options.askGates, clock, () => wakeup.poke());
    const gatherer = new Gatherer({ ...options, caches, reads, gates, onError });
    const actor = new Actor({ effects, clock, random, log, metrics });
    const statuses = new StatusWriter(effects, clock, onError);
    this.#wakeup = wakeup;
    this.#caches = caches;
    this.#loop = new ControlLoop({
      caches,
      gatherer,
      actor,
      statuses,
      leadership: leader,
      wakeup,
      clock,
      random,
      log,
      metrics,
    });
  }

  /** Whether the caches are filled. */
  get ready(): boolean {
    return this.#caches.synced;
  }

  /** Whether this process does what it should: a leader's loop comes round. */
  get healthy(): boolean {
    const { leader, clock } = this.#options;
    return !leader.leads || clock.monotonic() - this.#loop.lastCycle < STUCK_MS;
  }

  watch(path: string): void {
    this.#caches.watch(path);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { leader, log, identity } = this.#options;
    await this.#synced(signal);
    while (!signal.aborted) {
      await leader.acquire(signal);
      if (signal.aborted) break;
      log.info('leading', { identity });
      await Promise.all([leader.hold(signal).finally(() => this.#wakeup.poke()), this.#loop.lead(signal)]);
      log.info('no longer leading', { identity });
    }
    this.#caches.stop();
    await leader.release().catch((error: unknown) => log.warn('leadership was not handed over', errorFields(error)));
  }

  /** Nobody campaigns before it can decide. */
  async #synced(signal: AbortSignal): Promise<void> {
    while (!this.ready && !signal.aborted) await this.#wakeup.wait(1_000, signal);
  }
}
