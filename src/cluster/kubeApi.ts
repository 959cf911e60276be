import type { Transport, TransportRequest, TransportResponse } from '../platform/transport.ts';
import { ApiError } from './errors.ts';

export type Query = Readonly<Record<string, string | number | boolean>>;

/** A list as the API server answers it. */
export interface ListAnswer<T> {
  metadata: { resourceVersion: string; continue?: string };
  items: T[];
}

/** A line of a watch. */
export interface WatchLine<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

/** How many objects a list asks for at a time. */
const PAGE = 500;

/**
 * The verbs of the Kubernetes API on paths, with JSON as it is on the wire. Every call has a time-out, every write
 * names its field manager, and every answer other than 2xx is an ApiError.
 */
export class KubeApi {
  readonly #transport: Transport;
  readonly #fieldManager: string;
  readonly #timeoutMs: number;

  /** @param timeoutMs limit of every call but watches, milliseconds */
  constructor(transport: Transport, fieldManager: string, timeoutMs = 10_000) {
    this.#transport = transport;
    this.#fieldManager = fieldManager;
    this.#timeoutMs = timeoutMs;
  }

  async get<T>(path: string): Promise<T> {
    return await this.#call<T>({ method: 'GET', path });
  }

  /** Everything under a path, page by page, at one resourceVersion, past every cache. */
  async list<T>(path: string, query: Query = {}): Promise<{ resourceVersion: string; items: T[] }> {
    const items: T[] = [];
    let page: ListAnswer<T> | undefined;
    do {
      const next = page?.metadata.continue ? { continue: page.metadata.continue } : {};
      page = await this.#call<ListAnswer<T>>({
        method: 'GET',
        path: withQuery(path, { ...query, limit: PAGE, ...next }),
      });
      items.push(...page.items);
    } while (page.metadata.continue);
    return { resourceVersion: page.metadata.resourceVersion, items };
  }

  async create<T extends object>(path: string, body: object): Promise<T> {
    return await this.#write<T>('POST', path, body, 'application/json');
  }

  /** A JSON merge patch: `null` removes, what is not named stays. With `metadata.resourceVersion` it is a compare-and-swap. */
  async patch<T extends object>(path: string, body: object): Promise<T> {
    return await this.#write<T>('PATCH', path, body, 'application/merge-patch+json');
  }

  /** Deletes exactly the object of these preconditions, not another one of its name. */
  async remove(
    path: string,
    preconditions: { uid: string; resourceVersion?: string },
    options: { gracePeriodSeconds?: number } = {},
  ): Promise<void> {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions, ...options };
    await this.#write('DELETE', path, body, 'application/json');
  }

  /**
   * Watches from a resourceVersion on, with bookmarks. Ends when the server closes.
   *
   * @param idleMs how long no byte may come; bookmarks come about every minute
   * @throws ApiError when the watch is refused; TransportError when it dies
   */
  async *watch<T>(path: string, query: Query, idleMs: number, signal: AbortSignal): AsyncGenerator<WatchLine<T>> {
    const stream = await this.#transport.stream(
      withQuery(path, { ...query, watch: true, allowWatchBookmarks: true }),
      idleMs,
      signal,
    );
    try {
      if (stream.status !== 200) throw await refusal(`WATCH ${path}`, stream.status, stream.lines);
      for await (const line of stream.lines) if (line !== '') yield JSON.parse(line) as WatchLine<T>;
    } finally {
      stream.close();
    }
  }

  async #write<T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body: object, type: string): Promise<T> {
    const query: Query = method === 'DELETE' ? {} : { fieldManager: this.#fieldManager };
    return await this.#call<T>({
      method,
      path: withQuery(path, query),
      headers: { 'content-type': type },
      body: JSON.stringify(body),
    });
  }

  async #call<T>(request: Omit<TransportRequest, 'timeoutMs'>): Promise<T> {
    const headers = { accept: 'application/json', ...request.headers };
    const response = await this.#transport.request({ ...request, headers, timeoutMs: this.#timeoutMs });
    if (response.status < 200 || response.status > 299)
      throw new ApiError(`${request.method} ${request.path.split('?')[0]}`, response);
    return JSON.parse(response.body) as T;
  }
}

async function refusal(what: string, status: number, lines: AsyncIterable<string>): Promise<ApiError> {
  const body: string[] = [];
  for await (const line of lines) body.push(line);
  const response: TransportResponse = { status, headers: {}, body: body.join('\n') };
  return new ApiError(what, response);
}

function withQuery(path: string, query: Query): string {
  const entries = Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]);
  if (entries.length === 0) return path;
  return `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(entries)}`;
}
