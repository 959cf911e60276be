import { setTimeout as delay } from 'node:timers/promises';

/** Time, as everything below the edges gets it. */
export interface Clock {
  /** Wall clock, epoch milliseconds. It may step; nothing is timed by it. */
  now(): number;
  /** Milliseconds since some fixed moment of this process; never steps back. */
  monotonic(): number;
  /** Resolves after so many milliseconds, or at once when the signal aborts; it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A number from 0 up to 1. */
export type Random = () => number;

/** setTimeout fires at once beyond 2^31 - 1 ms; longer sleeps end early and their caller looks at the clock again. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    const options = signal === undefined ? {} : { signal };
    await delay(Math.min(Math.max(0, ms), LONGEST_SLEEP_MS), undefined, options).catch(() => undefined);
  },
};

export const systemRandom: Random = () => Math.random();
