import type { Clock } from './clock.ts';

/** Something to wait on that can be poked; pokes while nobody waits are not lost, and many count as one. */
export class Wakeup {
  readonly #clock: Clock;
  #poked = false;
  #waiter: AbortController | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  poke(): void {
    this.#poked = true;
    this.#waiter?.abort();
  }

  /** Waits until poked, or so many milliseconds, or the signal aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#poked && !signal.aborted) {
      this.#waiter = new AbortController();
      await this.#clock.sleep(ms, AbortSignal.any([signal, this.#waiter.signal]));
      this.#waiter = null;
    }
    this.#poked = false;
  }
}
