import { decide, type Plan } from '../core/decide.ts';
import type { Claim } from '../core/lock/leadership.ts';
import { slotsOf } from '../core/lock/lock.ts';
import type { Ask, Snapshot } from '../core/model.ts';
import { Timers } from '../core/timers.ts';
import { fleetOf } from '../core/views/fleet.ts';
import type { Clock, Random } from '../platform/clock.ts';
import type { Wakeup } from '../platform/wakeup.ts';
import { errorFields, type Log } from '../telemetry/log.ts';
import type { ControllerMetrics } from '../telemetry/metrics.ts';
import type { Acted, Actor } from './actor.ts';
import type { Caches } from './caches.ts';
import type { Gatherer, Tenure } from './gatherer.ts';
import type { StatusWriter } from './statusWriter.ts';

/** Leadership, as the loop needs it. */
export interface Leadership {
  readonly leads: boolean;
  /** Proves by an uncached read that this process leads. */
  prove(): Promise<boolean>;
  resign(): void;
  /** Lets another replica lead. */
  handOver(): Promise<void>;
}

export interface LoopOptions {
  caches: Caches;
  gatherer: Gatherer;
  actor: Actor;
  statuses: StatusWriter;
  leadership: Leadership;
  wakeup: Wakeup;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: ControllerMetrics;
}

/** However quiet it is, everything is looked at again this often. */
const LONGEST_WAIT_MS = 30_000;
/** After a conflict or a failure the world is looked at again after a moment, the longer the more often it happens. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 30_000;
const HAND_OVER_PAUSE_MS = 600_000;
/** How often one cycle may decide: for its own node the gates of others, its own, all nodes and its replicas are read first. */
const MOST_ROUNDS = 6;

interface Decided {
  plan: Plan;
  snapshot: Snapshot;
  timers: Timers;
}

/** Gather, decide, act; again whenever something has changed or is due. One cycle at a time. */
export class ControlLoop {
  readonly #options: LoopOptions;
  #timers: ReadonlyMap<string, number> = new Map();
  #tenure: Tenure = NEW_TENURE;
  /** Monotonic ms of the last time that leadership was handed over. */
  #handedOver = Number.NEGATIVE_INFINITY;
  #troubles = 0;
  #lastCycle: number;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#lastCycle = options.clock.monotonic();
  }

  /** Monotonic ms of the last cycle that came to its end. */
  get lastCycle(): number {
    return this.#lastCycle;
  }

  /** Runs one leadership: until it is lost, given up, or the signal aborts. */
  async lead(signal: AbortSignal): Promise<void> {
    const { leadership, wakeup, clock, metrics, actor } = this.#options;
    this.#tenure = NEW_TENURE;
    actor.beginLeadership();
    this.#timers = new Map();
    this.#lastCycle = clock.monotonic();
    metrics.leads(true);
    while (!signal.aborted && leadership.leads) {
      const started = clock.monotonic();
      const wait = await this.#cycle().catch((error: unknown) => this.#trouble(error));
      this.#lastCycle = clock.monotonic();
      metrics.cycled((this.#lastCycle - started) / 1000);
      await wakeup.wait(Math.min(wait, LONGEST_WAIT_MS), signal);
    }
    metrics.leads(false);
  }

  /** @returns milliseconds until the next cycle is due, whatever happens */
  async #cycle(): Promise<number> {
    const { leadership, actor, statuses, caches } = this.#options;
    if (actor.lockInDoubt) {
      await caches.refreshLock();
      actor.lockRead();
    }
    const { plan, snapshot, timers } = await this.#decide();
    this.#timers = timers.running;
    if (plan.resign !== null) {
      this.#options.log.warn('leadership is given up', { why: plan.resign });
      leadership.resign();
      return 0;
    }
    if (plan.claim !== null) {
      return await this.#claim();
    }
    const { epoch } = this.#tenure;
    // A lock that this release cannot read says nothing about what has been adopted.
    const adopted = snapshot.lock.kind === 'ok' && !plan.adopting;
    if (epoch !== null && adopted) this.#tenure = { epoch, inherited: new Set() };
    const acted = epoch === null ? IDLE : await actor.act(plan, snapshot.lock, epoch);
    if (acted.done > 0 || acted.conflicts > 0) return await this.#after(acted, 0);
    caches.keepPodsOf(needingPods(plan));
    this.#measure(plan, snapshot);
    const due = Math.min(timers.nextWake, acted.retryInMs, await statuses.write(plan, snapshot));
    const handedOver = plan.handOver === null ? due : await this.#handOver(plan.handOver);
    return await this.#after(acted, Math.min(due, handedOver));
  }

  /** Who has been handed leadership and did not take it is not asked again for a while. */
  async #handOver(to: string): Promise<number> {
    const now = this.#options.clock.monotonic();
    if (now - this.#handedOver < HAND_OVER_PAUSE_MS) return this.#handedOver + HAND_OVER_PAUSE_MS - now;
    this.#handedOver = now;
    this.#options.log.info('leadership is handed over, so that the node of this controller may be rebooted', { to });
    await this.#options.leadership.handOver();
    return 0;
  }

  /**
   * Claims the lock, from what is read anew: a standby's watch may have been dead for a while. And reads anew once
   * more before anything is decided, so that nothing is missed of what the leader before has still written.
   */
  async #claim(): Promise<number> {
    const { actor, caches } = this.#options;
    await caches.refresh();
    const { plan, snapshot } = await this.#decide();
    if (plan.claim === null) return 0;
    const claimed = await actor.claim(plan.claim, snapshot.lock);
    if (claimed.done > 0) {
      await caches.refresh();
      this.#tenure = tenureOf(plan.claim);
    }
    return await this.#after(claimed, claimed.done > 0 ? 0 : claimed.retryInMs);
  }

  /** Decides, reads what the decision asked for, and decides again. */
  async #decide(): Promise<Decided> {
    const { gatherer, actor } = this.#options;
    const asked = new Set<string>();
    let snapshot = gatherer.snapshot(this.#tenure, actor);
    for (let round = 1; ; round += 1) {
      const timers = new Timers(this.#timers, snapshot.mono);
      const plan = decide(snapshot, timers);
      const news = plan.asks.filter((ask) => !asked.has(keyOf(ask)));
      if (news.length === 0 || round === MOST_ROUNDS) return { plan, snapshot, timers };
      for (const ask of news) asked.add(keyOf(ask));
      snapshot = await gatherer.answer(snapshot, news);
    }
  }

  /** After a conflict leadership is proven before anything is decided again. What failed has a pause of its own. */
  async #after({ conflicts }: Acted, wait: number): Promise<number> {
    if (conflicts === 0) {
      this.#troubles = 0;
      return wait;
    }
    return (await this.#options.leadership.prove()) ? this.#pause() : 0;
  }

  async #trouble(error: unknown): Promise<number> {
    this.#options.log.error('a cycle failed', errorFields(error));
    this.#options.metrics.failed('cycle');
    return this.#pause();
  }

  /** Milliseconds to wait after trouble: the longer the more often it comes in a row. */
  #pause(): number {
    this.#troubles += 1;
    const wait = FIRST_RETRY_MS * 2 ** Math.min(this.#troubles - 1, 10);
    return Math.min(LAST_RETRY_MS, wait) * (0.5 + this.#options.random());
  }

  #measure(plan: Plan, snapshot: Snapshot): void {
    const { metrics } = this.#options;
    metrics.slots(slotsOf(snapshot.lock).length);
    metrics.fleet(fleetOf(plan, snapshot));
  }
}

/** Before the lock is claimed. */
const NEW_TENURE: Tenure = { epoch: null, inherited: new Set() };

function tenureOf({ epoch, slots }: Claim): Tenure {
  return { epoch, inherited: new Set(slots.map(({ attemptID }) => attemptID)) };
}

const IDLE: Acted = { done: 0, conflicts: 0, failures: 0, retryInMs: Number.POSITIVE_INFINITY };

function keyOf(ask: Ask): string {
  return ask.kind === 'gates' ? `gates/${ask.key}` : JSON.stringify(ask);
}

/** The nodes whose pods decisions still need: a Failed one may be waiting for its DaemonSets. */
function needingPods({ inFlight }: Plan): Set<string> {
  const needing = new Set(['Preparing', 'Cordoning', 'Draining', 'Verifying', 'Failed']);
  return new Set([...inFlight].filter(([, { phase }]) => needing.has(phase)).map(([name]) => name));
}
