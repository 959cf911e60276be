/**
 * Time-outs as decisions see them. A timer is named by what holds ("the agent has been asked for attempt X"); it runs
 * from the first decision that mentions it, on this process's monotonic clock, and is forgotten by the first that does
 * not. A restart of the controller starts every timer anew: slower, never unsafe, and no remote clock is involved.
 */
export class Timers {
  readonly #started: ReadonlyMap<string, number>;
  readonly #mono: number;
  readonly #mentioned = new Map<string, number>();
  #wakeIn = Number.POSITIVE_INFINITY;

  /** @param started name to monotonic ms of the first mention; @param mono now, monotonic ms */
  constructor(started: ReadonlyMap<string, number>, mono: number) {
    this.#started = started;
    this.#mono = mono;
  }

  /** Whether an earlier decision has mentioned it, and every one since. */
  isRunning(name: string): boolean {
    return this.#started.has(name);
  }

  /** Milliseconds for which this has held without a break. */
  elapsed(name: string): number {
    const start = this.#started.get(name) ?? this.#mono;
    this.#mentioned.set(name, start);
    return this.#mono - start;
  }

  /** Whether this has held for the limit; if not, a decision is due when it will have. */
  expired(name: string, limitMs: number): boolean {
    const left = limitMs - this.elapsed(name);
    if (left > 0) this.wakeIn(left);
    return left <= 0;
  }

  /** Asks for a decision no later than in so many milliseconds. */
  wakeIn(ms: number): void {
    this.#wakeIn = Math.min(this.#wakeIn, Math.max(0, ms));
  }

  /** The timers to keep for the next decision. */
  get running(): ReadonlyMap<string, number> {
    return this.#mentioned;
  }

  /** Milliseconds until the next decision is due; Infinity when only an event can change anything. */
  get nextWake(): number {
    return this.#wakeIn;
  }
}
