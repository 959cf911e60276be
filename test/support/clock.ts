import type { Clock } from '../../src/platform/clock.ts';
import { NOON } from './cluster.ts';

interface Sleeper {
  at: number;
  wake: () => void;
}

/** Time that passes only when the test says so. */
export class FakeClock implements Clock {
  #mono = 1_000_000;
  #wall = NOON;
  #sleepers: Sleeper[] = [];
  /** How long each sleep was to be, in the order in which they began; milliseconds. */
  readonly slept: number[] = [];

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#mono;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms);
    if (signal?.aborted || ms <= 0) return new Promise((resolve) => setImmediate(resolve));
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        at: this.#mono + ms,
        wake: () => {
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Lets time pass, and everything happen that is due meanwhile, in its order. */
  async advance(ms: number): Promise<void> {
    const end = this.#mono + ms;
    await settled();
    for (;;) {
      const next = this.#sleepers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#pass(Math.max(0, next.at - this.#mono));
      next.wake();
      await settled();
    }
    this.#pass(end - this.#mono);
  }

  /** Sets the wall clock; the monotonic one and sleepers do not notice. */
  step(ms: number): void {
    this.#wall += ms;
  }

  #pass(ms: number): void {
    this.#mono += ms;
    this.#wall += ms;
  }
}

/** Resolves when everything that can happen without time passing has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
