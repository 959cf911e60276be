import { within } from '../process/wait.ts';
import type { ProxiedRequest } from './request.ts';

const ARRIVAL_TIMEOUT_MS = 60_000;

/** One request, or one answer, that waits until the test says what becomes of it. */
export class Hold {
  readonly #arrival = Promise.withResolvers<ProxiedRequest>();
  readonly #fate = Promise.withResolvers<boolean>();

  /** Resolves when it is held. */
  async arrived(timeoutMs = ARRIVAL_TIMEOUT_MS): Promise<ProxiedRequest> {
    return await within(this.#arrival.promise, timeoutMs, 'a request to hold');
  }

  /** Lets it go on, even when the client has gone meanwhile. */
  release(): void {
    this.#fate.resolve(true);
  }

  /** Lets nobody see it: its connection is cut. */
  drop(): void {
    this.#fate.resolve(false);
  }

  /** For the proxy: it is here; whether it may go on. */
  async meets(request: ProxiedRequest): Promise<boolean> {
    this.#arrival.resolve(request);
    return await this.#fate.promise;
  }
}
