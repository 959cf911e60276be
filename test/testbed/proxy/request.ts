/** A request as a test describes it. */

import type { IncomingMessage } from 'node:http';

export interface ProxiedRequest {
  /** e.g. `PATCH` */
  method: string;
  /** Without the query, e.g. `/api/v1/nodes/n1`. */
  path: string;
  query: URLSearchParams;
  /** The JSON body; undefined if there is none. */
  body: unknown;
}

/** Whether a request is meant. */
export type Match = (request: ProxiedRequest) => boolean;

export function readRequest({ method = '', url = '/' }: IncomingMessage, body: Buffer): ProxiedRequest {
  const { pathname, searchParams } = new URL(url, 'https://localhost');
  return { method, path: pathname, query: searchParams, body: parse(body) };
}

/** Requests for watches. */
export const isWatch: Match = ({ query }) => ['1', 'true'].includes(query.get('watch') ?? '');

/** Requests with this verb on paths that end so, e.g. `on('PATCH', '/nodes/n1')`. */
export function on(method: string, pathEnd: string): Match {
  return (request) => request.method === method && request.path.endsWith(pathEnd);
}

/** Requests that match, and whose body satisfies more. */
export function where<T>(match: Match, satisfied: (body: T) => boolean): Match {
  return (request) => match(request) && request.body !== undefined && satisfied(request.body as T);
}

function parse(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return body.toString('utf8');
  }
}
