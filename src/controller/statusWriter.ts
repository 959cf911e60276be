import type { Effects } from '../cluster/ports.ts';
import type { Plan } from '../core/decide.ts';
import type { NodeReboot, Snapshot } from '../core/model.ts';
import { nodeRebootView, policyView } from '../core/views.ts';
import type { Clock } from '../platform/clock.ts';
import { announcementFor } from './announcements.ts';
import { differs } from './difference.ts';

/** A view has to hold for this long before it is written, so that steps which follow each other cost one write. */
const STEADY_MS = 400;
/** And one that keeps changing is written at least this often. */
const LATEST_MS = 2_000;
/** How many statuses of waiting nodes are written at a time. */
const BATCH = 20;

interface Pending {
  /** Monotonic ms. */
  firstSeen: number;
  changed: number;
  text: string;
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
    const consider = (key: string, changed: boolean, text: string, write: () => Promise<void>) => {
      const wait = this.#waitFor(key, changed, text);
      if (wait === 0) due.push(write);
      else next = Math.min(next, wait);
    };
    for (const read of plan.policies) {
      const { policy } = read;
      const slots = snapshot.lock.kind === 'ok' ? snapshot.lock.slots : [];
      const view = policyView(read, plan, slots, snapshot);
      const write = () => this.#effects.writePolicyStatus(policy, view);
      consider(`rbp/${policy.metadata.uid}`, differs(policy.status, view), JSON.stringify(view), write);
    }
    for (const nodeReboot of inOrder(snapshot, plan)) {
      const view = nodeRebootView(nodeReboot, plan, snapshot.now);
      if (view === null) continue;
      const write = async () => {
        await this.#effects.writeNodeRebootStatus(nodeReboot, view);
        const announcement = announcementFor(nodeReboot, view);
        if (announcement !== null) await this.#effects.announce(announcement);
      };
      consider(`nrb/${nodeReboot.metadata.uid}`, differs(nodeReboot.status, view), JSON.stringify(view), write);
    }
    await Promise.all(due.slice(0, BATCH).map((write) => write().catch(this.#onError)));
    return due.length > BATCH ? 0 : next;
  }

  /** 0 when the view is to be written now, Infinity when it is what is stored. */
  #waitFor(key: string, changed: boolean, text: string): number {
    if (!changed) {
      this.#pending.delete(key);
      return Number.POSITIVE_INFINITY;
    }
    const now = this.#clock.monotonic();
    const before = this.#pending.get(key);
    const pending = before?.text === text ? before : { firstSeen: before?.firstSeen ?? now, changed: now, text };
    this.#pending.set(key, pending);
    return Math.max(0, Math.min(pending.changed + STEADY_MS, pending.firstSeen + LATEST_MS) - now);
  }
}

function inOrder({ nodeReboots }: Snapshot, plan: Plan): NodeReboot[] {
  const rank = ({ metadata: { name } }: NodeReboot) => (plan.inFlight.has(name) ? 0 : 1);
  return [...nodeReboots.values()].sort((a, b) => rank(a) - rank(b));
}
