import { within } from '../process/wait.ts';
import type { ProxiedRequest } from './request.ts';

const ARRIVAL_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 10_000;

/** One request, or one answer, that waits until the test says what becomes of it. */
export class Hold {
  readonly #arrival = Promise.withResolvers<ProxiedRequest>();
  readonly #fate = Promise.withResolvers<boolean>();
  readonly #answer = Promise.withResolvers<number>();

  /** Resolves when it is held. */
  async arrived(timeoutMs = ARRIVAL_TIMEOUT_MS): Promise<ProxiedRequest> {
    return await within(this.#arrival.promise, timeoutMs, 'a request to hold');
  }

  /** Lets it go on, even when the client has gone meanwhile. */
  release(): void {
    this.#fate.resolve(true);
  }

  /** Lets it go on, and waits for the HTTP status that the API server answers with. */
  async deliver(): Promise<number> {
    this.release();
    return await within(this.#answer.promise, ANSWER_TIMEOUT_MS, 'the answer to what was held');
  }

  /** Lets nobody see it: its connection is cut. */
  drop(): void {
    this.#fate.resolve(false);
  }

  /** For the proxy: the API server has answered. */
  answers(status: number): void {
    this.#answer.resolve(status);
  }

  /** For the proxy: it is here; whether it may go on. */
  async meets(request: ProxiedRequest): Promise<boolean> {
    this.#arrival.resolve(request);
    return await this.#fate.promise;
  }
}
