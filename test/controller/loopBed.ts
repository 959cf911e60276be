import type { Gates } from '../../src/api/generated/rebootpolicy.ts';
import type { Pod } from '../../src/api/objects.ts';
import { Actor } from '../../src/controller/actor.ts';
import type { Caches } from '../../src/controller/caches.ts';
import { GateKeeper } from '../../src/controller/gateKeeper.ts';
import { Gatherer } from '../../src/controller/gatherer.ts';
import { ControlLoop, type Leadership } from '../../src/controller/loop.ts';
import { StatusWriter } from '../../src/controller/statusWriter.ts';
import { lockAnnotations } from '../../src/core/lock/lock.ts';
import type {
  DaemonSetView,
  EvictionOutcome,
  NodeReboot,
  NodeView,
  PodBudget,
  RebootPolicy,
  Replica,
  Self,
  Slot,
  Verdict,
} from '../../src/core/model.ts';
import { Wakeup } from '../../src/platform/wakeup.ts';
import { ControllerMetrics } from '../../src/telemetry/metrics.ts';
import { FakeClock, settled } from '../support/clock.ts';
import { aNode, aNodeReboot, aPolicy, required } from '../support/cluster.ts';
import { MemoryLog } from '../support/log.ts';
import { EffectsDouble } from './doubles.ts';

const META = { name: 'x', uid: 'x', resourceVersion: '50', creationTimestamp: '' };

/** The caches as the loop and the gatherer use them, without watches. */
export class CachesDouble {
  nodeViews: NodeView[] = [aNode('n1'), aNode('spare', { labels: {} })];
  nodeRebootViews: NodeReboot[] = [aNodeReboot('n1', {}, { agent: required() })];
  policyViews: RebootPolicy[] = [aPolicy()];
  daemonSetViews: Readonly<Record<string, DaemonSetView>> = {};
  slots: Slot[] = [];
  epoch = 3;
  kept: ReadonlySet<string> = new Set();
  refreshed = 0;
  lockReads = 0;
  /** Fails every read of the lock. */
  lockFailure: Error | null = null;
  readonly watched: string[] = [];
  readonly pods = new Map<string, readonly Pod[]>();

  readonly nodes = { views: () => new Map(this.nodeViews.map((node) => [node.name, node])) };
  readonly nodeReboots = { views: () => new Map(this.nodeRebootViews.map((object) => [object.metadata.name, object])) };
  readonly policies = { views: () => new Map(this.policyViews.map((object) => [object.metadata.name, object])) };
  readonly daemonSets = { views: () => new Map(Object.entries(this.daemonSetViews)) };
  readonly locks = {
    views: () => new Map(),
    get: () => ({ metadata: { ...META, annotations: lockAnnotations(this.epoch, this.slots) } }),
  };
  readonly namespaces = { get: () => ({ metadata: META }) };
  watchedPods() {
    return new Map(this.pods);
  }
  watchPods(node: string) {
    this.watched.push(node);
  }
  async refresh() {
    this.refreshed += 1;
  }
  async refreshPeople() {}
  async refreshLock() {
    this.lockReads += 1;
    if (this.lockFailure !== null) throw this.lockFailure;
  }
  keepPodsOf(nodes: ReadonlySet<string>) {
    this.kept = nodes;
  }
}

/** A control loop with everything around it, on a clock that the test moves. */
export class LoopBed {
  readonly caches = new CachesDouble();
  readonly effects = new EffectsDouble();
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly metrics = new ControllerMetrics();
  readonly stop = new AbortController();
  readonly wakeup = new Wakeup(this.clock);
  /** What was read past the caches. */
  readonly reads: string[] = [];
  readFails = false;
  /** What the reads answer. */
  replicas: readonly Replica[] = [];
  budgets: readonly PodBudget[] = [];
  freshPods: readonly Pod[] = [];
  dryRun: EvictionOutcome = { kind: 'granted' };
  askGates: (gates: Gates) => Verdict | null = () => null;
  self: Self | null = null;
  maxDisrupted = 1;
  readonly leadership: Leadership & { leads: boolean; proofs: number; proven: boolean; handedOver: number } = {
    leads: true,
    proofs: 0,
    proven: true,
    handedOver: 0,
    async prove() {
      this.proofs += 1;
      if (!this.proven) this.leads = false;
      return this.proven;
    },
    resign() {
      this.leads = false;
    },
    async handOver() {
      this.handedOver += 1;
      this.leads = false;
    },
  };

  /** Begins to lead, up to the claim of the lock. */
  async lead() {
    const { caches: double, clock, log, metrics, effects, leadership, wakeup, self, maxDisrupted } = this;
    const caches = double as unknown as Caches;
    const random = () => 0.5;
    const gatherer = new Gatherer({
      caches,
      reads: this.#reads(),
      gates: new GateKeeper(
        async (gates) => this.askGates(gates),
        clock,
        () => wakeup.poke(),
      ),
      clock,
      random,
      namespace: 'drydock',
      maxDisrupted,
      self,
      newAttemptID: () => 'attempt-new',
      onError: (error) => log.warn('a read failed', { error }),
    });
    const statuses = new StatusWriter(effects, clock, () => undefined);
    const actor = new Actor({ effects, clock, random, log, metrics });
    const loop = new ControlLoop({
      caches,
      gatherer,
      actor,
      statuses,
      leadership,
      wakeup,
      clock,
      random,
      log,
      metrics,
    });
    const state = { ended: false, loop };
    void loop.lead(this.stop.signal).then(() => {
      state.ended = true;
    });
    await settled();
    return state;
  }

  #reads() {
    const read = async <T>(what: string, value: T): Promise<T> => {
      this.reads.push(what);
      if (this.readFails) throw new Error('no route to host');
      return value;
    };
    const nodeOf = (name: string) => this.caches.nodeViews.find((node) => node.name === name);
    return {
      nodes: () => read('nodes', this.caches.nodeViews),
      node: (name: string) => read('node', nodeOf(name)),
      pods: () => read('pods', this.freshPods),
      leaseRenewTime: () => read('lease', 'x'),
      replicas: () => read('replicas', this.replicas),
      budgets: () => read('budgets', this.budgets),
      tryEviction: () => read('tryEviction', this.dryRun),
    };
  }
}
