import type { Effects } from '../cluster/ports.ts';
import type { Plan } from '../core/decide.ts';
import { slotsOf } from '../core/lock/lock.ts';
import type { NodeReboot, Snapshot } from '../core/model.ts';
import { nodeRebootView } from '../core/views/nodeRebootView.ts';
import { policyView } from '../core/views/policyView.ts';
import type { Clock } from '../platform/clock.ts';
import { announcementFor, invalidPolicy } from './announcements.ts';
import { differs } from './difference.ts';

/** How long a change waits before it is written, so that steps which follow each other cost one write. */
const CHANGE_MS = 2_000;
/** How long it waits when only the progress of a drain has changed: it changes with every pod. */
const PROGRESS_MS = 10_000;
/** How long it waits when it was written before and did not stay: somebody, or an older definition, takes it away. */
const IN_VAIN_MS = 60_000;
/** How many statuses of waiting nodes are written at a time. */
const BATCH = 20;

/** A view that is not what is stored. */
interface Pending {
  /** Monotonic ms. */
  since: number;
  /** How long it may wait, in ms. */
  patience: number;
}

/**
 * Writes what people read. Nothing is written while nothing changes, nodes in flight go first, and no decision depends
 * on any of it.
 */
export class StatusWriter {
  readonly #effects: Effects;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #pending = new Map<string, Pending>();
  /** What was last written, by key. */
  readonly #written = new Map<string, object>();

  constructor(effects: Effects, clock: Clock, onError: (error: unknown) => void) {
    this.#effects = effects;
    this.#clock = clock;
    this.#onError = onError;
  }

  /**
   * Writes what is due.
   *
   * @returns milliseconds until something else is due; Infinity if nothing is
   */
  async write(plan: Plan, snapshot: Snapshot): Promise<number> {
    const due: (() => Promise<void>)[] = [];
    let next = Number.POSITIVE_INFINITY;
    const considered = new Set<string>();
    const consider = (key: string, stored: object | undefined, view: object, write: () => Promise<void>) => {
      considered.add(key);
      const wait = this.#waitFor(key, this.#patienceOf(key, stored, view));
      if (wait > 0) next = Math.min(next, wait);
      else
        due.push(async () => {
          this.#pending.delete(key);
          await write();
          this.#written.set(key, view);
        });
    };
    for (const read of plan.policies) {
      const { policy } = read;
      const view = policyView(read, plan, slotsOf(snapshot.lock), snapshot);
      const write = async () => {
        await this.#effects.writePolicyStatus(policy, view);
        const announcement = invalidPolicy(read);
        if (announcement !== null) await this.#effects.announce(announcement);
      };
      consider(`rbp/${policy.metadata.uid}`, policy.status, view, write);
    }
    for (const nodeReboot of inOrder(snapshot, plan)) {
      const view = nodeRebootView(nodeReboot, plan, snapshot.now);
      if (view === null) continue;
      const write = async () => {
        await this.#effects.writeNodeRebootStatus(nodeReboot, view);
        const announcement = announcementFor(nodeReboot, view);
        if (announcement !== null) await this.#effects.announce(announcement);
      };
      consider(`nrb/${nodeReboot.metadata.uid}`, nodeReboot.status, view, write);
    }
    this.#forget(considered);
    await Promise.all(due.slice(0, BATCH).map((write) => write().catch(this.#onError)));
    return due.length > BATCH ? 0 : next;
  }

  /** What no longer is needs no memory. */
  #forget(considered: ReadonlySet<string>): void {
    for (const kept of [this.#pending, this.#written]) {
      for (const key of kept.keys()) if (!considered.has(key)) kept.delete(key);
    }
  }

  /** How long a view may wait to be written, in ms; Infinity when it is what is stored. */
  #patienceOf(key: string, stored: object | undefined, view: object): number {
    const patience = patienceOf(stored, view);
    const last = this.#written.get(key);
    const inVain = patience !== Number.POSITIVE_INFINITY && last !== undefined && !differs(last, view);
    return inVain ? IN_VAIN_MS : patience;
  }

  /** Milliseconds until the view is to be written: 0 when it is due, Infinity when it is what is stored. */
  #waitFor(key: string, patience: number): number {
    if (patience === Number.POSITIVE_INFINITY) {
      this.#pending.delete(key);
      return patience;
    }
    const now = this.#clock.monotonic();
    const before = this.#pending.get(key);
    // What waits for seconds must not be found overdue because something less urgent has waited for longer.
    const pending = before !== undefined && before.patience <= patience ? before : { since: now, patience };
    this.#pending.set(key, pending);
    return Math.max(0, pending.since + pending.patience - now);
  }
}

function patienceOf(stored: object | undefined, view: object): number {
  if (!differs(stored, view)) return Number.POSITIVE_INFINITY;
  const { drain: _, ...rest } = view as { drain?: unknown };
  return differs(stored, rest) ? CHANGE_MS : PROGRESS_MS;
}

function inOrder({ nodeReboots }: Snapshot, plan: Plan): NodeReboot[] {
  const rank = ({ metadata: { name } }: NodeReboot) => (plan.inFlight.has(name) ? 0 : 1);
  return [...nodeReboots.values()].sort((a, b) => rank(a) - rank(b));
}
