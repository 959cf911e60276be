import type { KubeObject } from '../api/objects.ts';
import { type Reconnect, reconnectAfter } from '../core/reconnect.ts';
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
  /** How it spreads its attempts after the server was lost. Default: for a client that is one of few. */
  reconnect?: Reconnect;
  /** How long the server is asked to keep a watch open: from this up to twice as long. In seconds; default 300. */
  watchSeconds?: number;
  /** No byte for this long is a dead connection. In milliseconds; default 150,000, as bookmarks come about every minute. */
  idleMs?: number;
}

const DEFAULTS = { reconnect: { firstMs: 1_000, lastMs: 15_000 }, watchSeconds: 300, idleMs: 150_000 };
/** A watch that ends before this share of its time was not ended for being over; the server's clock may differ a little. */
const WHOLE_WATCH = 0.95;

interface Entry<V> {
  resourceVersion: string;
  view: V;
}

/**
 * A local copy of the objects under a path: one list, then a watch that goes on from where it ended, over closed and
 * dead connections, quiet times and errors. It never ends by itself and never throws.
 */
export class Reflector<O extends KubeObject, V> {
  readonly #options: ReflectorOptions<O, V> & typeof DEFAULTS;
  readonly #store = new Map<string, Entry<V>>();
  readonly #stop = new AbortController();
  /** How far the API server has told what happened: what it has not told of, and is not later, is gone. */
  #seen = '';
  /** Whether the watch can no longer go on from there. */
  #listDue = true;
  #synced = false;
  /** Whether what was asked for was too old, and nothing has been told since. */
  #hasExpired = false;
  #failures = 0;
  #signAt: number;

  constructor(options: ReflectorOptions<O, V>) {
    this.#options = { ...DEFAULTS, ...options };
    this.#signAt = options.clock.monotonic();
  }

  get path(): string {
    return this.#options.path;
  }

  /** Whether the store has been filled by a list. */
  get synced(): boolean {
    return this.#synced;
  }

  /** When it last heard from the server or tried to, in milliseconds of the monotonic clock: a sign that it still works. */
  get signAt(): number {
    return this.#signAt;
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
        this.#sign();
        if (this.#listDue) await this.#list();
        this.#sign();
        await this.#watch();
        this.#isWell();
      } catch (error) {
        if (!signal.aborted) await this.#recover(error);
      }
    }
  }

  /** What has expired is listed anew at once, but not twice in a row; anything else is told of, and waited for. */
  async #recover(error: unknown): Promise<void> {
    this.#sign();
    if (isExpired(error)) {
      const again = this.#listDue || this.#hasExpired;
      this.#listDue = true;
      this.#hasExpired = true;
      if (!again) return;
    } else this.#options.onError(error);
    await this.#backOff(error);
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

  /**
   * Ends when its time is over; the next one goes on from the last line, however this one ended.
   *
   * @throws Error when it ends before: a server that shuts down also closes in order, and everybody's watch with it
   */
  async #watch(): Promise<void> {
    const { api, path, query, random, clock, watchSeconds, idleMs } = this.#options;
    const timeoutSeconds = Math.round(watchSeconds * (1 + random()));
    const from = { ...query, resourceVersion: this.#seen, timeoutSeconds };
    const began = clock.monotonic();
    for await (const line of api.watch<O>(path, from, idleMs, this.#stop.signal)) {
      if (line.type === 'ERROR') throw watchError(path, line);
      this.#sign();
      this.#isWell();
      this.#seen = line.object.metadata.resourceVersion;
      this.#take(line);
    }
    const lasted = (clock.monotonic() - began) / 1000;
    if (lasted < timeoutSeconds * WHOLE_WATCH)
      throw new Error(`WATCH ${path}: closed by the server after ${Math.floor(lasted)} s of ${timeoutSeconds} s`);
  }

  #sign(): void {
    this.#signAt = this.#options.clock.monotonic();
  }

  #isWell(): void {
    this.#failures = 0;
    this.#hasExpired = false;
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

  async #backOff(error: unknown): Promise<void> {
    const { clock, random, reconnect } = this.#options;
    const asked = error instanceof ApiError ? error.retryAfterMs : 0;
    const wait = reconnectAfter(this.#failures, reconnect, random(), asked);
    this.#failures += 1;
    await clock.sleep(wait, this.#stop.signal);
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
