/**
 * Plain HTTPS to an API server, for what client-node does not do: raw objects with all their fields, and watches whose
 * every event is seen.
 */

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Identity } from './identity.ts';

export interface ApiRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  body?: unknown;
  /** Default `application/json`; a PATCH must say which kind of patch it is. */
  contentType?: string;
  /** Time limit for the whole exchange in milliseconds; default 10,000. Ignored by `stream`. */
  timeoutMs?: number;
}

export interface ApiResponse {
  status: number;
  text: string;
}

/** An answer other than 2xx. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Connections of one identity. They are kept open; `close` ends them. */
export class Api {
  readonly #identity: Identity;
  readonly #agent: Agent;

  constructor(identity: Identity) {
    this.#identity = identity;
    const { credentials, endpoint } = identity;
    this.#agent = new Agent({ ca: endpoint.ca, keepAlive: true, ...('token' in credentials ? {} : credentials) });
  }

  /** One exchange, whatever its status. */
  async send(path: string, options: ApiRequest = {}): Promise<ApiResponse> {
    const signal = AbortSignal.timeout(options.timeoutMs ?? 10_000);
    const response = await this.stream(path, signal, options);
    return { status: response.statusCode ?? 0, text: await text(response) };
  }

  /** The JSON of an answer; an ApiError for everything but 2xx. */
  async json<T>(path: string, options: ApiRequest = {}): Promise<T> {
    const response = await this.send(path, options);
    if (response.status < 200 || response.status > 299) {
      throw new ApiError(response.status, `${options.method ?? 'GET'} ${path}: ${response.status} ${response.text}`);
    }
    return JSON.parse(response.text) as T;
  }

  /** The head of an answer; its body can be read as it comes, until `signal` aborts it. */
  async stream(path: string, signal: AbortSignal, options: ApiRequest = {}): Promise<IncomingMessage> {
    const { credentials, endpoint } = this.#identity;
    const outgoing = request(new URL(path, endpoint.server), {
      method: options.method ?? 'GET',
      agent: this.#agent,
      signal,
      headers: {
        accept: 'application/json',
        ...('token' in credentials ? { authorization: `Bearer ${credentials.token}` } : {}),
        ...(options.body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
      },
    });
    outgoing.end(options.body === undefined ? undefined : JSON.stringify(options.body));
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return response;
  }

  close(): void {
    this.#agent.destroy();
  }
}
