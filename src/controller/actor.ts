import { isConflict } from '../cluster/errors.ts';
import type { Effects } from '../cluster/ports.ts';
import { type EvictionOutcome, noteEviction } from '../core/attempt/eviction.ts';
import type { Plan } from '../core/decide.ts';
import type { EvictionRecord, LockState } from '../core/model.ts';
import { applyEdits, type Step } from '../core/steps.ts';
import type { Clock, Random } from '../platform/clock.ts';
import { errorFields, type Log } from '../telemetry/log.ts';
import type { ControllerMetrics } from '../telemetry/metrics.ts';
import { announcementOf } from './announcements.ts';
import { auditOf } from './audit.ts';

export interface ActorOptions {
  effects: Effects;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: ControllerMetrics;
}

/** What came of carrying out a plan. */
export interface Acted {
  /** How many effects were carried out. */
  done: number;
  /** Whether somebody else had changed something first. */
  conflicts: number;
  failures: number;
}

type Eviction = Extract<Step, { kind: 'evict' }>;

/** Carries plans out: the only code that changes the cluster, together with the status writer. */
export class Actor {
  readonly #options: ActorOptions;
  readonly #evictions = new Map<string, EvictionRecord>();

  constructor(options: ActorOptions) {
    this.#options = options;
  }

  /** What was learnt of evictions that were tried, by pod UID. */
  get evictions(): ReadonlyMap<string, EvictionRecord> {
    return this.#evictions;
  }

  /** Writes the lock with the epoch of a new leadership. */
  async claim({ epoch, slots, why }: NonNullable<Plan['claim']>, lock: LockState): Promise<Acted> {
    const resourceVersion = 'resourceVersion' in lock ? lock.resourceVersion : null;
    return await this.#attempt('claim', async () => {
      await this.#options.effects.writeLock({ epoch, slots, resourceVersion });
      this.#options.log.info('claimed the cluster lock', { epoch, slots: slots.map(({ node }) => node), why });
    });
  }

  /** Carries out steps and lock edits at the same time, and after the lock the steps that depend on it. */
  async act(plan: Plan, lock: LockState, epoch: number): Promise<Acted> {
    this.#forget(plan);
    const steps = plan.steps.map((step) => this.#take(step));
    return sum(await Promise.all([...steps, this.#editLock(plan, lock, epoch)]));
  }

  async #editLock({ lockEdits, stepsAfterLock }: Plan, lock: LockState, epoch: number): Promise<Acted> {
    if (lock.kind !== 'ok' || (lockEdits.length === 0 && stepsAfterLock.length === 0)) return NOTHING;
    const { effects, log } = this.#options;
    const written = await this.#attempt('lock', async () => {
      if (lockEdits.length === 0) return;
      await effects.writeLock({
        epoch,
        slots: applyEdits(lock.slots, lockEdits),
        resourceVersion: lock.resourceVersion,
      });
      for (const edit of lockEdits) log.info('lock written', { edit });
    });
    if (written.done === 0) return written;
    return sum([written, ...(await Promise.all(stepsAfterLock.map((step) => this.#take(step))))]);
  }

  async #take(step: Step): Promise<Acted> {
    if (step.kind === 'evict') return await this.#evict(step);
    const { effects, log } = this.#options;
    return await this.#attempt(step.kind, async () => {
      await effects.perform(step);
      log.info(step.kind, auditOf(step));
      this.#count(step);
      const announcement = announcementOf(step);
      if (announcement !== null) await this.#attempt('announce', () => effects.announce(announcement));
    });
  }

  async #evict({ node, attemptID, pods, gracePeriodSeconds }: Eviction): Promise<Acted> {
    const { effects, log, clock, random, metrics } = this.#options;
    const evictions = pods.map(async (pod) => {
      const { uid, name, namespace } = pod.metadata;
      const outcome: EvictionOutcome = await effects.evict(pod, gracePeriodSeconds).catch((error: unknown) => ({
        kind: 'error',
        message: error instanceof Error ? error.message : String(error),
      }));
      this.#evictions.set(uid, noteEviction(this.#evictions.get(uid), outcome, clock.monotonic(), random()));
      metrics.evicted(outcome.kind);
      log.info('evict', { node: node.name, attemptID, pod: `${namespace}/${name}`, outcome });
    });
    await Promise.all(evictions);
    return { done: pods.length, conflicts: 0, failures: 0 };
  }

  async #attempt(kind: string, effect: () => Promise<void>): Promise<Acted> {
    const { log, metrics } = this.#options;
    try {
      await effect();
      return { done: 1, conflicts: 0, failures: 0 };
    } catch (error) {
      const conflict = isConflict(error);
      metrics.failed(conflict ? 'conflict' : kind);
      log[conflict ? 'debug' : 'warn'](`${kind} was not carried out`, errorFields(error));
      return conflict ? { done: 0, conflicts: 1, failures: 0 } : { done: 0, conflicts: 0, failures: 1 };
    }
  }

  #count(step: Step): void {
    if (step.kind !== 'recordHistory') return;
    const { policy = '', outcome, code, startedAt, endedAt } = step.entry;
    const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
    this.#options.metrics.attemptEnded({ policy, outcome, code }, seconds);
  }

  /** What was learnt of evictions is of no use once no node is draining. */
  #forget({ inFlight }: Plan): void {
    if (inFlight.size === 0) this.#evictions.clear();
  }
}

const NOTHING: Acted = { done: 0, conflicts: 0, failures: 0 };

function sum(all: readonly Acted[]): Acted {
  const total = (key: keyof Acted) => all.reduce((count, acted) => count + acted[key], 0);
  return { done: total('done'), conflicts: total('conflicts'), failures: total('failures') };
}
