import { ANNOTATIONS, LOCK_LEASE } from '../api/names.ts';
import type { Pod } from '../api/objects.ts';
import type { Reads } from '../cluster/ports.ts';
import { readLock } from '../core/lock/lock.ts';
import type { Answers, Ask, EvictionOutcome, NodeView, Self, Snapshot } from '../core/model.ts';
import type { Clock, Random } from '../platform/clock.ts';
import type { Caches } from './caches.ts';
import type { GateKeeper } from './gateKeeper.ts';

export interface GathererOptions {
  caches: Caches;
  reads: Reads;
  gates: GateKeeper;
  clock: Clock;
  random: Random;
  namespace: string;
  maxDisrupted: number;
  self: Self | null;
  newAttemptID: () => string;
  onError: (error: unknown) => void;
}

/** A leadership as decisions see it. */
export type Tenure = Pick<Snapshot, 'epoch' | 'inherited'>;

/** What earlier effects have taught. */
export type Learnt = Pick<Snapshot, 'evictions' | 'restored'>;

/** The only code that reads for decisions. */
export class Gatherer {
  readonly #options: GathererOptions;

  constructor(options: GathererOptions) {
    this.#options = options;
  }

  /** What the caches say now, with nothing asked yet. */
  snapshot({ epoch, inherited }: Tenure, { evictions, restored }: Learnt): Snapshot {
    const { caches, clock, random, namespace, maxDisrupted, self, newAttemptID } = this.#options;
    return {
      now: clock.now(),
      mono: clock.monotonic(),
      nodes: caches.nodes.views(),
      nodeReboots: caches.nodeReboots.views(),
      policies: [...caches.policies.views().values()],
      daemonSets: caches.daemonSets.views(),
      otherLocks: otherLocks(caches, namespace),
      self,
      lock: readLock(caches.locks.get(`${namespace}/${LOCK_LEASE}`)),
      namespaceAnnotations: namespaceAnnotations(caches, namespace),
      epoch,
      inherited,
      maxDisrupted,
      nextAttemptID: newAttemptID(),
      jitter: random(),
      evictions,
      restored,
      answers: {
        nodesFresh: false,
        peopleFresh: false,
        gates: new Map(),
        pods: caches.watchedPods(),
        podsFresh: new Set(),
        nodeFresh: new Set(),
        nodesGone: new Set(),
        leases: new Map(),
        replicas: null,
        budgets: null,
        dryRuns: new Map(),
      },
    };
  }

  /**
   * Answers what a decision asked. What cannot be read is left unanswered: the decision is then made without it, which
   * never allows anything, and asked again in the next cycle.
   */
  async answer(snapshot: Snapshot, asks: readonly Ask[]): Promise<Snapshot> {
    const gates = new Map(snapshot.answers.gates);
    const leases = new Map(snapshot.answers.leases);
    const nodesGone = new Set(snapshot.answers.nodesGone);
    const read = [...snapshot.answers.pods].filter(([node]) => snapshot.answers.podsFresh.has(node));
    const podsRead = new Map<string, readonly Pod[]>(read);
    const nodeFresh = new Set(snapshot.answers.nodeFresh);
    const dryRuns = new Map<string, EvictionOutcome>(snapshot.answers.dryRuns);
    let { nodesFresh, peopleFresh, replicas, budgets } = snapshot.answers;
    const { reads, gates: keeper, caches } = this.#options;
    const answers: { [K in Ask['kind']]: (ask: Extract<Ask, { kind: K }>) => Promise<void> } = {
      gates: async (ask) => void gates.set(ask.key, await keeper.ask(ask.gates)),
      lease: async ({ node }) => void leases.set(node, await reads.leaseRenewTime(node)),
      nodes: async () => {
        const listed = new Set((await reads.nodes()).map(({ name }) => name));
        for (const name of caches.nodes.views().keys()) if (!listed.has(name)) nodesGone.add(name);
        nodesFresh = true;
      },
      node: async ({ node: name }) => {
        if ((await reads.node(name)) === undefined) nodesGone.add(name);
        nodeFresh.add(name);
      },
      pods: async ({ node, fresh }) => {
        if (fresh) podsRead.set(node, await reads.pods(node));
        else caches.watchPods(node);
      },
      people: async () => {
        await caches.refreshPeople();
        peopleFresh = true;
      },
      replicas: async () => {
        replicas = await reads.replicas();
      },
      budgets: async () => {
        budgets = await reads.budgets();
      },
      dryRun: async (ask) => {
        const tried = ask.pods.map(async (pod) => dryRuns.set(pod.metadata.uid, await reads.tryEviction(pod)));
        await Promise.all(tried);
      },
    };
    const ask = (one: Ask) => (answers[one.kind] as (ask: Ask) => Promise<void>)(one).catch(this.#options.onError);
    await Promise.all(asks.map(ask));
    // What was read in an earlier round of the cycle is newer than what a watch may have told by then.
    const pods = new Map([...caches.watchedPods(), ...podsRead]);
    const answered: Answers = {
      nodesFresh,
      peopleFresh,
      gates,
      pods,
      podsFresh: new Set(podsRead.keys()),
      nodeFresh,
      nodesGone,
      leases,
      ...{ replicas, budgets, dryRuns },
    };
    // Reading takes time, in which people may have said stop: all that watches have told meanwhile counts.
    const now = this.snapshot(snapshot, snapshot);
    return { ...now, nextAttemptID: snapshot.nextAttemptID, nodes: without(now.nodes, nodesGone), answers: answered };
  }
}

function without(nodes: ReadonlyMap<string, NodeView>, gone: ReadonlySet<string>): ReadonlyMap<string, NodeView> {
  return gone.size === 0 ? nodes : new Map([...nodes].filter(([name]) => !gone.has(name)));
}

function otherLocks(caches: Caches, namespace: string): string[] {
  const locks = [...caches.locks.views().values()].filter(({ metadata }) => metadata.annotations?.[ANNOTATIONS.format]);
  const names = locks.map(({ metadata }) => metadata.namespace ?? '');
  return names.filter((name) => name !== namespace).sort();
}

function namespaceAnnotations(caches: Caches, namespace: string): Readonly<Record<string, string>> | null {
  const object = caches.namespaces.get(namespace);
  return object === undefined ? null : (object.metadata.annotations ?? {});
}
