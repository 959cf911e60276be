import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import {
  type Transport,
  TransportError,
  type TransportRequest,
  type TransportResponse,
  type TransportStream,
} from './transport.ts';

/**
 * Where the API server is, and how to prove who one is. Asked before every request, so that tokens may rotate.
 *
 * @param refused whether the last ones were answered with 401, so that they have to be read anew
 */
export type Credentials = (refused: boolean) => Promise<https.RequestOptions & { server: URL }>;

/** The largest answer that is taken in; a list of 5,000 Nodes has about 60 MB. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/**
 * A connection that nothing used for this long is closed, in milliseconds. Load balancers forget idle connections, some
 * after a minute, and many do not tell; and each open one costs the API server memory.
 */
const UNUSED_MS = 50_000;

/** A Transport over HTTPS with connections that are kept. Redirects are not followed. */
export class HttpsTransport implements Transport {
  readonly #credentials: Credentials;
  readonly #agent: https.Agent;
  #refused = false;
  /** Watches have connections of their own, which end with them. */
  readonly #streams = new https.Agent({ keepAlive: false });

  /** @param unusedMs how long a connection is kept that nothing uses, milliseconds */
  constructor(credentials: Credentials, unusedMs = UNUSED_MS) {
    this.#credentials = credentials;
    const kept = { keepAlive: true, maxSockets: 64, maxFreeSockets: 8, scheduling: 'lifo', timeout: unusedMs } as const;
    this.#agent = new https.Agent(kept);
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const signal = AbortSignal.timeout(request.timeoutMs);
    try {
      return await wholeAnswer(await this.#send(request, this.#agent, signal));
    } catch (error) {
      // A connection that died without a sign is rarely alone: the next request is to have a new one.
      if (signal.aborted) this.#closeUnused();
      throw failure(request, error, signal);
    }
  }

  async stream(path: string, idleMs: number, signal: AbortSignal): Promise<TransportStream> {
    const request: TransportRequest = { method: 'GET', path, timeoutMs: CONNECT_TIMEOUT_MS };
    const opened = new AbortController();
    const tooLate = () => opened.abort(new Error(`no answer within ${CONNECT_TIMEOUT_MS} ms`));
    const timer = setTimeout(tooLate, CONNECT_TIMEOUT_MS);
    const either = AbortSignal.any([signal, opened.signal]);
    const response = await this.#send(request, this.#streams, either)
      .catch((error: unknown) => Promise.reject(failure(request, error, either)))
      .finally(() => clearTimeout(timer));
    response.socket.setTimeout(idleMs, () => response.destroy(new Error(`no byte for ${idleMs} ms`)));
    return { status: response.statusCode ?? 0, lines: linesOf(response, request), close: () => response.destroy() };
  }

  async #send(request: TransportRequest, agent: https.Agent, signal: AbortSignal): Promise<IncomingMessage> {
    const { server, headers, ...options } = await this.#credentials(this.#refused);
    const url = new URL(server.pathname.replace(/\/$/, '') + request.path, server);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      // Node frames no body of a DELETE by itself: without its length the server takes it for the next request.
      const length = request.body === undefined ? {} : { 'content-length': Buffer.byteLength(request.body) };
      const all = { ...(headers as Record<string, string>), ...request.headers, ...length };
      const outgoing = https.request(url, { ...options, method: request.method, headers: all, agent, signal }, resolve);
      outgoing.on('error', reject);
      outgoing.end(request.body);
    });
    this.#refused = response.statusCode === 401;
    return response;
  }

  #closeUnused(): void {
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}

/** @throws Error when the answer ends before its end, or is too large */
async function wholeAnswer(response: IncomingMessage): Promise<TransportResponse> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) throw new Error(`the answer is larger than ${MAX_BODY_BYTES} bytes`);
  }
  const body = Buffer.concat(chunks).toString('utf8');
  return { status: response.statusCode ?? 0, headers: flatten(response), body };
}

async function* linesOf(response: IncomingMessage, request: TransportRequest): AsyncGenerator<string> {
  let died: Error | undefined;
  response.on('error', (error) => {
    died = error;
  });
  try {
    yield* createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    throw failure(request, died ?? error);
  }
  if (died !== undefined || !response.complete) throw failure(request, died ?? new Error('the connection was cut'));
}

function flatten({ headers }: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

/** Queries stay out of the message: they may be long, and what failed is told by the path. */
function failure({ method, path, timeoutMs }: TransportRequest, error: unknown, signal?: AbortSignal): TransportError {
  const cause: unknown = signal?.aborted ? signal.reason : error;
  const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
  const why = timedOut ? `no answer within ${timeoutMs} ms` : cause instanceof Error ? cause.message : String(cause);
  return new TransportError(`${method} ${path.split('?')[0]}: ${why}`, { cause });
}
