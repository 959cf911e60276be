/** A list and a watch that lose no event: what is missed while a connection is away is made up for by the next list. */

import type { IncomingMessage } from 'node:http';
import { type Api, ApiError } from '../cluster/api.ts';
import { sleep } from '../process/wait.ts';

/** Pause before another attempt after a failure, in milliseconds. */
const RETRY_MS = 100;

export interface KubeObject {
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion: string;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';
export type OnChange = (type: ChangeType, object: KubeObject) => void;

/** Follows the objects under one path of the API. */
export class Watch {
  readonly #api: Api;
  readonly #path: string;
  readonly #onChange: OnChange;
  readonly #abort = new AbortController();
  readonly #known = new Map<string, KubeObject>();
  /** Where to go on watching; undefined if a list is needed first. */
  #resourceVersion: string | undefined;

  constructor(api: Api, path: string, onChange: OnChange) {
    this.#api = api;
    this.#path = path;
    this.#onChange = onChange;
  }

  /**
   * Lists, so that nothing that happens after this promise resolves is missed, and goes on watching until `stop`.
   * A type that the API server does not know (yet) counts as an empty list.
   */
  async start(): Promise<void> {
    await this.#list();
    void this.#run();
  }

  stop(): void {
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        else await this.#watch(this.#resourceVersion);
      } catch {
        // Whatever it was (a dead connection, a server that starts), the next attempt goes on where this one ended.
      }
      if (!this.#abort.signal.aborted) await sleep(RETRY_MS);
    }
  }

  async #list(): Promise<void> {
    const list = await this.#fetchList();
    if (list === undefined) return;
    const present = new Set(list.items.map(({ metadata }) => metadata.uid));
    for (const object of [...this.#known.values()]) {
      if (!present.has(object.metadata.uid)) this.#apply('DELETED', object);
    }
    for (const object of list.items) {
      const known = this.#known.get(object.metadata.uid);
      if (known === undefined) this.#apply('ADDED', object);
      else if (known.metadata.resourceVersion !== object.metadata.resourceVersion) this.#apply('MODIFIED', object);
    }
    this.#resourceVersion = list.metadata.resourceVersion;
  }

  async #fetchList(): Promise<List | undefined> {
    try {
      return await this.#api.json<List>(this.#path);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #watch(resourceVersion: string): Promise<void> {
    const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`;
    const response = await this.#api.stream(`${this.#path}?${query}`, this.#abort.signal);
    if (response.statusCode !== 200) {
      // 410: the server has forgotten that version. Anything else heals by a list as well, if it heals.
      this.#resourceVersion = undefined;
      response.resume();
      return;
    }
    for await (const line of lines(response)) {
      if (!this.#handle(JSON.parse(line) as WatchEvent)) return;
    }
  }

  /** False if the watch has to end. */
  #handle({ type, object }: WatchEvent): boolean {
    if (type === 'ERROR') {
      this.#resourceVersion = undefined;
      return false;
    }
    this.#resourceVersion = object.metadata.resourceVersion;
    if (type !== 'BOOKMARK') this.#apply(type, object);
    return true;
  }

  #apply(type: ChangeType, object: KubeObject): void {
    if (type === 'DELETED') this.#known.delete(object.metadata.uid);
    else this.#known.set(object.metadata.uid, object);
    this.#onChange(type, object);
  }
}

interface List {
  metadata: { resourceVersion: string };
  items: KubeObject[];
}

interface WatchEvent {
  type: ChangeType | 'BOOKMARK' | 'ERROR';
  object: KubeObject;
}

async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response) {
    const parts = (rest + (chunk as string)).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}
