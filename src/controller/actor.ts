import type { Pod } from '../api/objects.ts';
import { isConflict } from '../cluster/errors.ts';
import type { Effects } from '../cluster/ports.ts';
import { noteEviction } from '../core/attempt/eviction.ts';
import type { Plan } from '../core/decide.ts';
import type { EvictionOutcome, EvictionRecord, LockState } from '../core/model.ts';
import { nameOf } from '../core/pod.ts';
import { applyEdits, nodeOf, type ObjectStep, type PodStep, type Step } from '../core/steps.ts';
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
  /** Milliseconds until something that failed may be tried again; Infinity when nothing has. */
  retryInMs: number;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 30_000;

/** Something that failed for another reason than a conflict. */
interface Failure {
  times: number;
  /** Monotonic ms. */
  notBefore: number;
}

/** Carries plans out: the only code that changes the cluster, together with the status writer. */
export class Actor {
  readonly #options: ActorOptions;
  readonly #evictions = new Map<string, EvictionRecord>();
  readonly #restored = new Set<string>();
  #lockInDoubt = false;
  /** By what was tried on what, so that one refused step pauses nothing else. */
  readonly #failures = new Map<string, Failure>();

  constructor(options: ActorOptions) {
    this.#options = options;
  }

  /** Attempts whose Node was put back by a write that was answered. */
  get restored(): ReadonlySet<string> {
    return this.#restored;
  }

  /** Forgets what an earlier leadership has learnt. */
  beginLeadership(): void {
    this.#evictions.clear();
    this.#restored.clear();
    this.#lockInDoubt = false;
  }

  /** Whether a write of the lock may have landed without an answer: the lock has to be read before anything is decided. */
  get lockInDoubt(): boolean {
    return this.#lockInDoubt;
  }

  /** The lock has been read past the cache. */
  lockRead(): void {
    this.#lockInDoubt = false;
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
    // A slot or a mark for a step that was refused a moment ago would be taken and given back again and again.
    const paused = Math.max(...stepsAfterLock.map((step) => this.#pauseOf(step)), 0);
    if (paused > 0) return { ...NOTHING, retryInMs: paused };
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
    if (written.done === 0) {
      this.#lockInDoubt ||= written.failures > 0;
      return written;
    }
    return sum([written, ...(await Promise.all(stepsAfterLock.map((step) => this.#take(step))))]);
  }

  async #take(step: Step): Promise<Acted> {
    if (step.kind === 'evict' || step.kind === 'deletePods') return await this.#movePods(step);
    const { effects, log } = this.#options;
    return await this.#attempt(keyOf(step), async () => {
      await effects.perform(step);
      if (step.kind === 'restoreNode' || step.kind === 'releaseNode') this.#restored.add(step.attemptID);
      log.info(step.kind, auditOf(step));
      this.#count(step);
      const announcement = announcementOf(step);
      if (announcement !== null) await effects.announce(announcement).catch((error: unknown) => this.#lost(error));
    });
  }

  async #movePods({ kind, node, attemptID, pods, gracePeriodSeconds }: PodStep): Promise<Acted> {
    const { effects, log, clock, random, metrics } = this.#options;
    const move = (pod: Pod) =>
      kind === 'evict' ? effects.evict(pod, gracePeriodSeconds) : effects.deletePod(pod, gracePeriodSeconds);
    const evictions = pods.map(async (pod) => {
      const { uid } = pod.metadata;
      const outcome: EvictionOutcome = await move(pod).catch((error: unknown) => ({
        kind: 'error',
        message: error instanceof Error ? error.message : String(error),
      }));
      const record = noteEviction(kind, this.#evictions.get(uid), outcome, clock.monotonic(), random());
      this.#evictions.set(uid, record);
      metrics.moved(kind, outcome.kind);
      log.info(kind, { node: node.name, attemptID, pod: nameOf(pod), outcome });
    });
    await Promise.all(evictions);
    return { ...NOTHING, done: pods.length };
  }

  /** Carries one effect out, unless it has failed a moment ago. */
  async #attempt(key: string, effect: () => Promise<void>): Promise<Acted> {
    const pause = this.#pauseOfKey(key);
    if (pause > 0) return { ...NOTHING, retryInMs: pause };
    try {
      await effect();
      this.#failures.delete(key);
      return { ...NOTHING, done: 1 };
    } catch (error) {
      return this.#failed(key, error);
    }
  }

  #pauseOf(step: Step): number {
    return step.kind === 'evict' || step.kind === 'deletePods' ? 0 : this.#pauseOfKey(keyOf(step));
  }

  /** Milliseconds for which something that has failed is not tried again; not above 0 when it may be. */
  #pauseOfKey(key: string): number {
    return (this.#failures.get(key)?.notBefore ?? 0) - this.#options.clock.monotonic();
  }

  #failed(key: string, error: unknown): Acted {
    const { log, metrics, clock, random } = this.#options;
    const kind = key.split('/')[0] ?? key;
    if (isConflict(error)) {
      metrics.failed('conflict');
      log.debug(`${kind} was not carried out`, errorFields(error));
      return { ...NOTHING, conflicts: 1 };
    }
    const times = (this.#failures.get(key)?.times ?? 0) + 1;
    const retryInMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(times - 1, 10)) * (0.5 + random());
    this.#failures.set(key, { times, notBefore: clock.monotonic() + retryInMs });
    metrics.failed(kind);
    log.warn(`${kind} was not carried out`, { ...errorFields(error), on: key });
    return { ...NOTHING, failures: 1, retryInMs };
  }

  /** Events are best effort. */
  #lost(error: unknown): void {
    this.#options.metrics.failed('announce');
    this.#options.log.warn('an Event was not written', errorFields(error));
  }

  #count(step: Step): void {
    if (step.kind !== 'recordHistory') return;
    const { policy = '', outcome, code, startedAt, endedAt } = step.entry;
    const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
    this.#options.metrics.attemptEnded({ policy, outcome, code }, seconds);
  }

  /** What was learnt is of no use once no node is in flight. */
  #forget({ inFlight }: Plan): void {
    if (inFlight.size > 0) return;
    this.#evictions.clear();
    this.#restored.clear();
  }
}

const NOTHING: Acted = { done: 0, conflicts: 0, failures: 0, retryInMs: Number.POSITIVE_INFINITY };

function keyOf(step: ObjectStep): string {
  return `${step.kind}/${'policy' in step ? step.policy.metadata.name : nodeOf(step)}`;
}

function sum(all: readonly Acted[]): Acted {
  const total = (key: keyof Acted) => all.reduce((count, acted) => count + acted[key], 0);
  const retryInMs = Math.min(...all.map((acted) => acted.retryInMs));
  return { done: total('done'), conflicts: total('conflicts'), failures: total('failures'), retryInMs };
}
