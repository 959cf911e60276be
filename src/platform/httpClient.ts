/** One HTTP exchange with a server that is not the API server. */
export interface HttpRequest {
  method: 'GET' | 'POST';
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** The certificate authorities to trust instead of the public ones, PEM. */
  ca?: readonly string[];
  /** Limit for the whole exchange, from the look-up of the name to the last byte, in milliseconds. */
  timeoutMs: number;
}

export interface HttpResponse {
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
}

export interface HttpClient {
  /** @throws Error when there was no complete answer; its message says why, for people */
  request(request: HttpRequest): Promise<HttpResponse>;
}
