/** Everything that happens to the objects that matter, in order: what tests check invariants on and wait for. */

import { Api } from '../cluster/api.ts';
import type { TestBed } from '../testbed.ts';
import { changes } from './changes.ts';
import { type ChangeType, type KubeObject, Watch } from './watch.ts';

/** Kind → path of its objects in the API. */
const WATCHED = {
  Node: '/api/v1/nodes',
  NodeReboot: '/apis/drydock.dev/v1alpha1/nodereboots',
  Lease: '/apis/coordination.k8s.io/v1/namespaces/drydock/leases',
  Pod: '/api/v1/pods',
} as const;

export type TimelineKind = keyof typeof WATCHED;

/** Entries that the error of a failed wait shows. */
const SHOWN_AFTER_FAILURE = 40;

/** One change of one object. */
export interface TimelineEntry {
  /** When we heard of it, in milliseconds since 1970. */
  readonly at: number;
  readonly type: ChangeType;
  readonly kind: TimelineKind;
  readonly name: string;
  /** The object after the change; before it for DELETED. All its fields, as the server sent them. */
  readonly object: KubeObject;
  /** The version before, if there was one. */
  readonly previous: KubeObject | undefined;
  /**
   * The revision of the change: one counter for the whole cluster, so it orders changes of different kinds, which may
   * be heard of in another order.
   */
  readonly revision: number;
}

export interface UntilOptions {
  /** Longest wait, in milliseconds. */
  timeoutMs: number;
  /** What is awaited, for the error. */
  what: string;
  /** Look only at entries from this index on (see `mark`). Default 0. */
  from?: number;
}

export class Timeline {
  /** In the order in which we heard of them. */
  readonly entries: TimelineEntry[] = [];
  readonly #startedAt = Date.now();
  readonly #latest = new Map<string, KubeObject>();
  readonly #waiting = new Set<(entry: TimelineEntry) => void>();
  readonly #watches: Watch[];
  readonly #api: Api;

  private constructor(api: Api) {
    this.#api = api;
    this.#watches = Object.entries(WATCHED).map(
      ([kind, path]) => new Watch(api, path, (type, object) => this.#add(kind as TimelineKind, type, object)),
    );
  }

  /** Records from now on. What exists already comes first, as ADDED. */
  static async start(bed: TestBed): Promise<Timeline> {
    // An identity of its own keeps its requests apart from the admin's in the audit log.
    const api = new Api(await bed.control.certificateIdentity('timeline', 'system:masters'));
    const timeline = new Timeline(api);
    bed.onStop(async () => timeline.stop());
    await Promise.all(timeline.#watches.map((watch) => watch.start()));
    return timeline;
  }

  stop(): void {
    for (const watch of this.#watches) watch.stop();
    this.#api.close();
  }

  /** The index of the next entry, for `until` and `since`. */
  mark(): number {
    return this.entries.length;
  }

  /** Entries in the order in which the changes were made (see `revision`), optionally of one kind and object. */
  ordered(kind?: TimelineKind, name?: string): TimelineEntry[] {
    return this.entries
      .filter((entry) => (kind === undefined || entry.kind === kind) && (name === undefined || entry.name === name))
      .sort((a, b) => a.revision - b.revision);
  }

  /** The last known version of an object; undefined if there is none, or no more. */
  latest(kind: TimelineKind, name: string, namespace?: string): KubeObject | undefined {
    return this.#latest.get(keyOf(kind, name, namespace));
  }

  /** The first entry, past or future, that satisfies the predicate. */
  until(predicate: (entry: TimelineEntry) => boolean, options: UntilOptions): Promise<TimelineEntry> {
    const past = this.entries.slice(options.from ?? 0).find(predicate);
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
      };
      const check = (entry: TimelineEntry): void => {
        try {
          if (!predicate(entry)) return;
          resolve(entry);
        } catch (error) {
          reject(error);
        }
        finish();
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(this.#failure(options)));
      }, options.timeoutMs);
      this.#waiting.add(check);
    });
  }

  /** Entries as text, one line each, only with what changed; lines without a change that means something are left out. */
  print(entries: readonly TimelineEntry[] = this.entries): string {
    return entries.flatMap((entry) => this.#line(entry)).join('\n');
  }

  #add(kind: TimelineKind, type: ChangeType, object: KubeObject): void {
    const { name, namespace, resourceVersion } = object.metadata;
    const key = keyOf(kind, name, namespace);
    const previous = this.#latest.get(key);
    if (type === 'DELETED') this.#latest.delete(key);
    else this.#latest.set(key, object);
    const entry = { at: Date.now(), type, kind, name, object, previous, revision: Number(resourceVersion) };
    this.entries.push(entry);
    for (const check of [...this.#waiting]) check(entry);
  }

  #line({ at, type, kind, name, object, previous }: TimelineEntry): string[] {
    const seconds = ((at - this.#startedAt) / 1_000).toFixed(3).padStart(9);
    const head = `${seconds} ${type.padEnd(8)} ${kind}/${name}`;
    if (type !== 'MODIFIED') return [head];
    const changed = changes(previous, object);
    return changed.length === 0 ? [] : [`${head} ${changed.join('; ')}`];
  }

  #failure({ what, timeoutMs }: UntilOptions): string {
    const last = this.print().split('\n').slice(-SHOWN_AFTER_FAILURE).join('\n');
    return `${what}: not after ${timeoutMs} ms\n--- last changes in the cluster\n${last}\n---`;
  }
}

function keyOf(kind: TimelineKind, name: string, namespace = ''): string {
  return `${kind}/${namespace}/${name}`;
}
