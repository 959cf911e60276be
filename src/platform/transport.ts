/** One HTTP exchange with the API server. */
export interface TransportRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT';
  /** Path and query, beginning with `/`. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Limit for the whole exchange, milliseconds. */
  timeoutMs: number;
}

export interface TransportResponse {
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
}

/** A long-lived answer that is read line by line. */
export interface TransportStream {
  status: number;
  /** Lines without their ends; ends when the server closes, throws TransportError when the connection dies. */
  lines: AsyncIterable<string>;
  close(): void;
}

/** The way to the API server. The only place where requests leave the process. */
export interface Transport {
  /** @throws TransportError when there was no complete answer; the request may have been carried out all the same. */
  request(request: TransportRequest): Promise<TransportResponse>;
  /** @param idleMs how long no byte may come before the connection is taken for dead */
  stream(path: string, idleMs: number, signal: AbortSignal): Promise<TransportStream>;
}

/** There was no answer, so it is not known whether the request had an effect. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
}
