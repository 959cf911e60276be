import type { Gates } from '../api/generated/rebootpolicy.ts';
import type { Verdict } from '../core/model.ts';
import type { Clock } from '../platform/clock.ts';

/** Asks what a policy's gates say; null is "open". It never rejects: a gate that cannot be asked blocks. */
export type AskGates = (gates: Gates) => Promise<Verdict | null>;

/** An open answer allows what is done at once with it; a closed one keeps for a while, so that waiting costs little. */
const OPEN_KEEPS_MS = 1_000;
const CLOSED_KEEPS_MS = 10_000;

interface Kept {
  verdict: Verdict | null;
  /** Monotonic ms when the answer was asked for. */
  at: number;
}

/** Asks gates, and remembers answers for a moment: policies and attempts with the same gates share them. */
export class GateKeeper {
  readonly #ask: AskGates;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(ask: AskGates, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  async ask(gates: Gates): Promise<Verdict | null> {
    const key = JSON.stringify(gates);
    const at = this.#clock.monotonic();
    this.#forgetOld(at);
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept.verdict;
    const verdict = await this.#ask(gates);
    this.#kept.set(key, { verdict, at });
    return verdict;
  }

  #forgetOld(now: number): void {
    for (const [key, { verdict, at }] of this.#kept) {
      if (now - at > (verdict === null ? OPEN_KEEPS_MS : CLOSED_KEEPS_MS)) this.#kept.delete(key);
    }
  }
}
