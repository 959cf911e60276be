import {
  type Transport,
  TransportError,
  type TransportRequest,
  type TransportResponse,
  type TransportStream,
} from '../platform/transport.ts';

/** For how long writes may still be sent, milliseconds; 0 when they may not. */
export type Remaining = () => number;

/**
 * A transport for effects: nothing is sent by a process that may no longer lead, and no request outlives the time for
 * which it is known to lead.
 */
export class FencedTransport implements Transport {
  readonly #transport: Transport;
  readonly #remaining: Remaining;

  constructor(transport: Transport, remaining: Remaining) {
    this.#transport = transport;
    this.#remaining = remaining;
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    return await this.#transport.request({
      ...request,
      timeoutMs: Math.min(request.timeoutMs, this.#left(request.path)),
    });
  }

  async stream(path: string, idleMs: number, signal: AbortSignal): Promise<TransportStream> {
    this.#left(path);
    return await this.#transport.stream(path, idleMs, signal);
  }

  #left(path: string): number {
    const left = Math.floor(this.#remaining());
    if (left <= 0) throw new TransportError(`${path.split('?')[0]}: not sent, since this process may no longer lead`);
    return left;
  }
}
