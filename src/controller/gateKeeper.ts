import type { Gates } from '../api/generated/rebootpolicy.ts';
import type { Verdict } from '../core/model.ts';
import type { Clock } from '../platform/clock.ts';

/** Asks what a policy's gates say; null is "open". It never rejects: a gate that cannot be asked blocks. */
export type AskGates = (gates: Gates) => Promise<Verdict | null>;

/** An open answer allows what is done at once with it; a closed one keeps for a while, so that waiting costs little. */
const OPEN_KEEPS_MS = 1_000;
const CLOSED_KEEPS_MS = 10_000;
/** How long an answer is waited for. One decision is about all policies: a gate that is slow must not hold up the others. */
const PATIENCE_MS = 1_000;
/** How long an answer is remembered for what is said while its gates are asked again. */
const REMEMBERED_MS = 300_000;

interface Asked {
  /** The last answer, and when it came (monotonic ms). */
  last: { verdict: Verdict | null; at: number } | null;
  /** What is being asked now, and since when; null when nothing is. */
  pending: { answer: Promise<Verdict | null>; at: number } | null;
}

/** Asks gates, and remembers answers for a moment: policies and attempts with the same gates share them. */
export class GateKeeper {
  readonly #ask: AskGates;
  readonly #clock: Clock;
  readonly #onAnswer: () => void;
  readonly #asked = new Map<string, Asked>();

  /** @param onAnswer called when an answer has come that somebody no longer waited for */
  constructor(ask: AskGates, clock: Clock, onAnswer: () => void) {
    this.#ask = ask;
    this.#clock = clock;
    this.#onAnswer = onAnswer;
  }

  /** What the gates say, within a second: while there is no answer they are closed, as they were or until they are not. */
  async ask(gates: Gates): Promise<Verdict | null> {
    const key = JSON.stringify(gates);
    this.#forgetOld();
    const asked = this.#asked.get(key) ?? { last: null, pending: null };
    this.#asked.set(key, asked);
    if (asked.last !== null && this.#age(asked.last) <= keeps(asked.last.verdict)) return asked.last.verdict;
    asked.pending ??= { answer: this.#begin(asked, gates), at: this.#clock.monotonic() };
    return await this.#soon(asked.pending, asked.last?.verdict ?? ASKING);
  }

  async #begin(asked: Asked, gates: Gates): Promise<Verdict | null> {
    try {
      const verdict = await this.#ask(gates);
      asked.last = { verdict, at: this.#clock.monotonic() };
      return verdict;
    } finally {
      asked.pending = null;
    }
  }

  /** @param otherwise what is said when the answer takes long */
  async #soon({ answer, at }: NonNullable<Asked['pending']>, otherwise: Verdict): Promise<Verdict | null> {
    const answered = new AbortController();
    const late = this.#clock.sleep(PATIENCE_MS - this.#age({ at }), answered.signal).then((): typeof LATE => LATE);
    const first = await Promise.race([answer, late]);
    answered.abort();
    if (first !== LATE) return first;
    answer.finally(this.#onAnswer).catch(() => undefined);
    return otherwise;
  }

  #forgetOld(): void {
    for (const [key, { last, pending }] of this.#asked) {
      if (pending === null && (last === null || this.#age(last) > REMEMBERED_MS)) this.#asked.delete(key);
    }
  }

  #age({ at }: { at: number }): number {
    return this.#clock.monotonic() - at;
  }
}

const LATE = Symbol('no answer yet');
const ASKING: Verdict = { code: 'CheckingGates', message: 'The gates of the policy are being asked.' };

function keeps(verdict: Verdict | null): number {
  return verdict === null ? OPEN_KEEPS_MS : CLOSED_KEEPS_MS;
}
