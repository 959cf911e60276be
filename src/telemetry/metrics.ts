import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** How an attempt ended, as label values. */
export interface AttemptLabels {
  policy: string;
  outcome: string;
  code: string;
}

/** The controller's metrics; `docs/metrics.md` lists them. */
export class ControllerMetrics {
  readonly registry = new Registry();
  readonly #nodes = this.#gauge('drydock_nodes', 'Nodes of a policy by phase.', ['policy', 'phase']);
  readonly #required = this.#gauge('drydock_reboot_required', 'Whether the agent of a node sees a sentinel.', ['node']);
  readonly #blocked = this.#gauge(
    'drydock_policy_blocked',
    'Whether nodes of a policy wait and none may start, by reason.',
    ['policy', 'reason'],
  );
  readonly #ready = this.#gauge('drydock_policy_ready', 'Whether a policy is understood and in force.', ['policy']);
  readonly #halted = this.#gauge('drydock_policy_halted', 'Whether a policy has halted.', ['policy']);
  readonly #failed = this.#gauge('drydock_policy_failed_nodes', 'Nodes of a policy that are Failed now.', ['policy']);
  readonly #leader = this.#gauge('drydock_leader', 'Whether this process leads.', []);
  readonly #slots = this.#gauge('drydock_slots', 'Slots of the cluster lock that are taken.', []);
  readonly #attempts = this.#counter('drydock_attempts_total', 'Attempts that have ended.', [
    'policy',
    'outcome',
    'code',
  ]);
  readonly #evictions = this.#counter('drydock_evictions_total', 'Evictions asked for, by the answer.', ['outcome']);
  readonly #deletions = this.#counter('drydock_pod_deletions_total', 'Deletions of pods asked for, by the answer.', [
    'outcome',
  ]);
  readonly #errors = this.#counter('drydock_errors_total', 'Reads and effects that failed, by kind.', ['kind']);
  readonly #durations = new Histogram({
    name: 'drydock_reboot_duration_seconds',
    help: 'From slot taken to node put back, of proven reboots.',
    labelNames: ['policy'],
    buckets: [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200],
    registers: [this.registry],
  });
  readonly #cycles = new Histogram({
    name: 'drydock_cycle_duration_seconds',
    help: 'One cycle of reading, deciding and acting.',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.#leader.set(0);
    this.#slots.set(0);
  }

  /** One who no longer leads says nothing more of the fleet: the next leader does. */
  leads(leading: boolean): void {
    this.#leader.set(leading ? 1 : 0);
    if (leading) return;
    this.slots(0);
    this.fleet({ required: new Map(), policies: [] });
  }

  slots(taken: number): void {
    this.#slots.set(taken);
  }

  /** Replaces what is said of all nodes and policies, so that those which are gone are no longer reported. */
  fleet(fleet: Fleet): void {
    const gauges = [this.#nodes, this.#required, this.#blocked, this.#ready, this.#halted, this.#failed];
    for (const gauge of gauges) gauge.reset();
    for (const [node, required] of fleet.required) this.#required.set({ node }, required ? 1 : 0);
    for (const policy of fleet.policies) this.#policy(policy);
  }

  #policy({ policy, ready, phases, blockedBy, halted, failed }: Fleet['policies'][number]): void {
    this.#ready.set({ policy }, ready ? 1 : 0);
    this.#halted.set({ policy }, halted ? 1 : 0);
    this.#failed.set({ policy }, failed);
    for (const [phase, count] of phases) this.#nodes.set({ policy, phase }, count);
    if (blockedBy !== null) this.#blocked.set({ policy, reason: blockedBy }, 1);
  }

  /** @param seconds from slot taken to node put back */
  attemptEnded(labels: AttemptLabels, seconds: number): void {
    this.#attempts.inc({ ...labels });
    if (labels.outcome === 'Rebooted') this.#durations.observe({ policy: labels.policy }, seconds);
  }

  /** @param kind how the pod was moved off its node */
  moved(kind: 'evict' | 'deletePods', outcome: string): void {
    (kind === 'evict' ? this.#evictions : this.#deletions).inc({ outcome });
  }

  failed(kind: string): void {
    this.#errors.inc({ kind });
  }

  /** @param seconds how long the cycle took */
  cycled(seconds: number): void {
    this.#cycles.observe(seconds);
  }

  #gauge(name: string, help: string, labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}

/** What the metrics say of nodes and policies. */
export interface Fleet {
  required: ReadonlyMap<string, boolean>;
  policies: readonly {
    policy: string;
    ready: boolean;
    phases: ReadonlyMap<string, number>;
    blockedBy: string | null;
    halted: boolean;
    failed: number;
  }[];
}
