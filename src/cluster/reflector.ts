import type { KubeObject } from '../api/objects.ts';
import type { Clock, Random } from '../platform/clock.ts';
import { ApiError, isExpired } from './errors.ts';
import type { KubeApi, Query, WatchLine } from './kubeApi.ts';

/** What a reflector needs from outside. */
export interface ReflectorOptions<O extends KubeObject, V> {
  api: KubeApi;
  path: string;
  query?: Query;
  /** What is kept of an object. */
  project: (object: O) => V;
  /** Whether two views of an object are the same to whoever reads them: then nobody is told. By default none are. */
  equal?: (one: V, other: V) => boolean;
  /** Called after every change of the store, and when it is synced for the first time. */
  onChange: () => void;
  /** Called with every failure; the reflector goes on by itself. */
  onError: (error: unknown) => void;
  clock: Clock;
  random: Random;
}

/** No byte for this long is a dead connection: bookmarks come about every minute. */
const IDLE_MS = 150_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
/** How long the server is asked to keep a watch open, at least; spread, so that watches do not all end together. */
const WATCH_SECONDS = 300;
/** A watch that says nothing and ends this soon is a failure, whatever its status: asking again at once would not end. */
const SHORTEST_WATCH_MS = 1_000;

interface Entry<V> {
  resourceVersion: string;
  view: V;
}

/**
 * A local copy of the objects under a path: one list, then a watch that goes on from where it ended, over closed and
 * dead connections, quiet times and errors. It never ends by itself and never throws.
 */
export class Reflector<O extends KubeObject, V> {
  readonly #options: ReflectorOptions<O, V>;
  readonly #store = new Map<string, Entry<V>>();
  readonly #stop = new AbortController();
  /** How far the API server has told what happened: what it has not told of, and is not later, is gone. */
  #seen = '';
  /** Whether the watch can no longer go on from there. */
  #listDue = true;
  #synced = false;
  #failures = 0;

  constructor(options: ReflectorOptions<O, V>) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.path;
  }

  /** Whether the store has been filled by a list. */
  get synced(): boolean {
    return this.#synced;
  }

  /** The views by `name`, or `namespace/name`. */
  views(): Map<string, V> {
    return new Map([...this.#store].map(([key, { view }]) => [key, view]));
  }

  get(key: string): V | undefined {
    return this.#store.get(key)?.view;
  }

  /** Takes in an object that a write or a read answered, unless the store has a later one. */
  put(object: O): void {
    const { resourceVersion } = object.metadata;
    const known = this.#store.get(keyOf(object.metadata))?.resourceVersion ?? this.#seen;
    if (isLater(resourceVersion, known)) this.#set(object);
  }

  /**
   * Reads everything anew, past what the watch has told so far: it may have been dead for a while without anybody
   * noticing.
   *
   * @throws ApiError or TransportError when it cannot be read
   */
  async refresh(): Promise<void> {
    await this.#list();
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Runs until stopped. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#listDue) await this.#list();
        await this.#watch();
        this.#failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isExpired(error)) this.#listDue = true;
        else this.#options.onError(error);
        await this.#backOff();
      }
    }
  }

  async #list(): Promise<void> {
    const { api, path, query, onChange } = this.#options;
    const { resourceVersion, items } = await api.list<O>(path, query);
    const present = new Set(items.map(({ metadata }) => keyOf(metadata)));
    for (const [key, entry] of this.#store) {
      if (!present.has(key) && !isLater(entry.resourceVersion, resourceVersion)) this.#store.delete(key);
    }
    for (const item of items) if (this.#isNews(item)) this.#set(item);
    if (this.#listDue || isLater(resourceVersion, this.#seen)) this.#seen = resourceVersion;
    this.#listDue = false;
    this.#synced = true;
    onChange();
  }

  /** Ends when the server closes; the next one goes on from the last line, however this one ended. */
  async #watch(): Promise<void> {
    const { api, path, query, random, clock } = this.#options;
    const timeoutSeconds = Math.round(WATCH_SECONDS * (1 + random()));
    const from = { ...query, resourceVersion: this.#seen, timeoutSeconds };
    const began = clock.monotonic();
    let quiet = true;
    for await (const line of api.watch<O>(path, from, IDLE_MS, this.#stop.signal)) {
      if (line.type === 'ERROR') throw watchError(path, line);
      quiet = false;
      this.#failures = 0;
      this.#seen = line.object.metadata.resourceVersion;
      this.#take(line);
    }
    if (quiet && clock.monotonic() - began < SHORTEST_WATCH_MS) throw new Error(`WATCH ${path}: closed at once`);
  }

  #take({ type, object }: WatchLine<O>): void {
    if (type === 'BOOKMARK') return;
    const key = keyOf(object.metadata);
    const before = this.#store.get(key)?.view;
    if (type === 'DELETED') this.#drop(object);
    else if (this.#isNews(object)) this.#set(object);
    else return;
    const after = this.#store.get(key)?.view;
    const same = before !== undefined && after !== undefined && this.#options.equal?.(before, after) === true;
    if (!same) this.#options.onChange();
  }

  #drop({ metadata }: O): void {
    const known = this.#store.get(keyOf(metadata));
    if (known !== undefined && isLater(known.resourceVersion, metadata.resourceVersion)) return;
    this.#store.delete(keyOf(metadata));
  }

  #isNews({ metadata }: O): boolean {
    const known = this.#store.get(keyOf(metadata))?.resourceVersion;
    return known === undefined || isLater(metadata.resourceVersion, known);
  }

  #set(object: O): void {
    const { resourceVersion } = object.metadata;
    this.#store.set(keyOf(object.metadata), { resourceVersion, view: this.#options.project(object) });
  }

  async #backOff(): Promise<void> {
    const { clock, random } = this.#options;
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    await clock.sleep(wait * (0.5 + random()), this.#stop.signal);
  }
}

function keyOf({ namespace, name }: KubeObject['metadata']): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** resourceVersions of one resource are ordered whole numbers (documented since Kubernetes 1.35, true before). */
function isLater(one: string, other: string): boolean {
  if (one.length !== other.length) return one.length > other.length;
  return one > other;
}

function watchError(path: string, { object }: WatchLine<unknown>): ApiError {
  const { code = 500 } = object as { code?: number };
  return new ApiError(`WATCH ${path}`, { status: code, headers: {}, body: JSON.stringify(object) });
}
