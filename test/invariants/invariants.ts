/**
 * The design's invariants as predicates over a cluster's history: what must hold after every change, whoever made it.
 * They read only what anybody can see: Nodes, NodeReboots, Pods and the lock.
 */

import type { KubeObject } from '../../src/api/objects.ts';
import type { TimelineEntry } from '../testbed/timeline/timeline.ts';
import {
  bootIDOf,
  type Change,
  cordonedBy,
  drainablePodsOn,
  epochOf,
  isOutOfService,
  isPaused,
  isReleased,
  isUnschedulable,
  requestOf,
  slotsOf,
  World,
} from './world.ts';

export interface Limits {
  maxDisrupted: number;
  /** Index of the first change that the test forged: from there on only the end is judged. */
  forgedFrom?: number;
}

interface Rule {
  name: string;
  /** What is wrong after this change; undefined if nothing is. */
  broken: (entry: Change, world: World, limits: Limits) => string | undefined;
}

const RULES: readonly Rule[] = [
  {
    name: '1: never more nodes disrupted than the budget allows',
    broken: (_entry, world, { maxDisrupted }) => {
      const ours = [...world.nodes.values()]
        .filter((node) => cordonedBy(node) !== undefined)
        .map(({ metadata }) => metadata.name);
      return ours.length > maxDisrupted ? `${ours.join(' and ')} are cordoned by Drydock at once` : undefined;
    },
  },
  {
    name: '1: a node starts only while the budget allows it, counting nodes that others took down',
    broken: ({ kind, name, object, previous }, world, { maxDisrupted }) => {
      if (kind !== 'Lease' || name !== 'drydock-lock' || slotsOf(object).length <= slotsOf(previous).length)
        return undefined;
      const slotted = slotsOf(object).map(({ node }) => node);
      const down = [...world.nodes.values()].filter(isOutOfService).map(({ metadata }) => metadata.name);
      const unavailable = new Set([...slotted, ...down]);
      return unavailable.size > maxDisrupted ? `${[...unavailable].join(' and ')} are unavailable at once` : undefined;
    },
  },
  {
    name: '1: no node is cordoned by us without a slot',
    broken: ({ kind, object }, world) => {
      if (kind !== 'Node') return undefined;
      const attemptID = cordonedBy(object);
      if (attemptID === undefined || slotsOf(world.lock).some((slot) => slot.attemptID === attemptID)) return undefined;
      return `${object.metadata.name} is cordoned for attempt ${attemptID}, which has no slot`;
    },
  },
  {
    name: '2: no reboot is requested while the node is paused or held',
    broken: (entry, world) => {
      const request = newRequest(entry);
      if (request === undefined) return undefined;
      const stopped = [entry.object, world.nodes.get(entry.name)].filter(
        (object) => object !== undefined && isPaused(object),
      );
      return stopped.length > 0 ? `${entry.name} was asked to reboot while paused` : undefined;
    },
  },
  {
    name: '3: a reboot is requested only of a drained and cordoned node with a marked slot, in the boot it was drained in',
    broken: (entry, world) => {
      const request = newRequest(entry);
      const node = world.nodes.get(entry.name);
      if (request === undefined || node === undefined) return undefined;
      const slot = slotsOf(world.lock).find(({ attemptID }) => attemptID === request.attemptID);
      const pods = drainablePodsOn(world, entry.name, entry.object);
      if (!isUnschedulable(node)) return `${entry.name} was asked to reboot while schedulable`;
      if (pods.length > 0) return `${entry.name} was asked to reboot with ${pods.join(', ')} on it`;
      if (slot?.requested !== entry.object.metadata.uid)
        return `${entry.name} was asked to reboot without a marked slot`;
      return request.fromBootID === bootIDOf(node) ? undefined : `${entry.name} was asked to reboot from another boot`;
    },
  },
  {
    name: '3: a node that was ever asked reboots only for an accepted attempt, cordoned, with its slot, and once an attempt',
    broken: (entry, world) => {
      const { kind, name, object, previous } = entry;
      if (newRequest(entry) !== undefined) world.asked.add(name);
      if (kind !== 'Node' || previous === undefined || bootIDOf(previous) === bootIDOf(object)) return undefined;
      if (!isAccountable(previous, world)) return undefined;
      const slot = slotsOf(world.lock).find(({ node }) => node === name);
      // A NodeReboot that was replaced after the request has forgotten whether it was accepted: it counts as accepted.
      const replaced = slot !== undefined && slot.requested !== world.nodeReboots.get(name)?.metadata.uid;
      const accepted = replaced && slot.requested !== '' ? slot.attemptID : world.acceptedBy(name);
      if (accepted === undefined || slot?.attemptID !== accepted) {
        return `${name} rebooted without an accepted attempt that holds its slot`;
      }
      if (!isUnschedulable(previous)) return `${name} rebooted for attempt ${accepted} while schedulable`;
      const before = world.rebootsOf(accepted);
      world.noteReboot(accepted);
      return before > 0 ? `${name} rebooted twice for attempt ${accepted}` : undefined;
    },
  },
  {
    name: '3: an attempt whose cordon came off cordons nothing any more',
    broken: ({ kind, object, previous }, world) => {
      if (kind !== 'Node' || previous === undefined) return undefined;
      const [before, after] = [cordonedBy(previous), cordonedBy(object)];
      if (before !== undefined && after !== before) world.ended.add(before);
      return after !== undefined && after !== before && world.ended.has(after)
        ? `${object.metadata.name} was cordoned again by attempt ${after}`
        : undefined;
    },
  },
  {
    name: '5: the epoch of the lock never falls',
    broken: ({ kind, name, object, previous }) => {
      if (kind !== 'Lease' || name !== 'drydock-lock' || previous === undefined) return undefined;
      return Number(epochOf(object)) < Number(epochOf(previous)) ? 'the epoch of the lock fell' : undefined;
    },
  },
  {
    name: '6: a pod is made to go only from a node that has a slot',
    broken: ({ kind, name, object, previous }, world) => {
      if (kind !== 'Pod' || previous === undefined) return undefined;
      const asked =
        object.metadata.deletionTimestamp !== undefined && previous.metadata.deletionTimestamp === undefined;
      const conditions =
        (object as { status?: { conditions?: { type: string; reason?: string }[] } }).status?.conditions ?? [];
      const evicted =
        asked &&
        conditions.some(({ type, reason }) => type === 'DisruptionTarget' && reason === 'EvictionByEvictionAPI');
      const node = (object as { spec?: { nodeName?: string } }).spec?.nodeName ?? '';
      return evicted && !slotsOf(world.lock).some((slot) => slot.node === node)
        ? `${name} was evicted from ${node}, which has no slot`
        : undefined;
    },
  },
];

/** What holds when everything has come to rest. */
const AT_REST: readonly { name: string; broken: (world: World) => string | undefined }[] = [
  {
    name: '4: a node that we cordoned is uncordoned, or Failed with a reason',
    broken: (world) => {
      const left = [...world.nodes.values()].filter(
        (node) => cordonedBy(node) !== undefined && world.phaseOf(node.metadata.name) !== 'Failed',
      );
      return left.length > 0 ? `${left.map(({ metadata }) => metadata.name).join(', ')} stayed cordoned` : undefined;
    },
  },
  {
    name: '5: no slot outlives its node, and slots and attempts agree',
    broken: (world) => {
      const slots = slotsOf(world.lock);
      const gone = slots.find(({ node, nodeUID }) => world.nodes.get(node)?.metadata.uid !== nodeUID);
      if (gone !== undefined) return `the slot of ${gone.node} outlived it`;
      const attempts = [...world.nodeReboots]
        .filter(([, object]) => world.attemptOf(object) !== undefined)
        .map(([name]) => name);
      const slotted = slots.map(({ node }) => node);
      return attempts.sort().join() === slotted.sort().join()
        ? undefined
        : `attempts of ${attempts.join() || 'none'}, slots of ${slotted.join() || 'none'}`;
    },
  },
  {
    name: '7: every node that requires a reboot has a verdict',
    broken: (world) => {
      const silent = [...world.nodeReboots].filter(
        ([, object]) => world.isRequired(object) && world.verdictOf(object) === undefined,
      );
      return silent.length > 0 ? `${silent.map(([name]) => name).join(', ')} wait without a verdict` : undefined;
    },
  },
];

/**
 * Judges a history, in the order in which its changes were made.
 *
 * @throws Error naming the first rule that was broken, when, and by which change
 */
export function checkInvariants(entries: readonly TimelineEntry[], limits: Limits): void {
  const world = new World();
  for (const [index, entry] of (entries as unknown as readonly Change[]).entries()) {
    world.apply(entry);
    if (index < (limits.forgedFrom ?? Number.POSITIVE_INFINITY)) judge(entry, world, limits);
  }
  for (const { name, broken } of AT_REST) {
    const what = broken(world);
    if (what !== undefined) throw new Error(`invariant ${name}: ${what} at the end`);
  }
}

function judge(entry: Change, world: World, limits: Limits): void {
  for (const { name, broken } of RULES) {
    const what = broken(entry, world, limits);
    if (what === undefined) continue;
    throw new Error(
      `invariant ${name}: ${what} (${entry.type} ${entry.kind}/${entry.name} at revision ${entry.revision})`,
    );
  }
}

/** Whether a reboot of a node, as it was before, has to be of an attempt: others reboot nodes too, and a released one may be late. */
function isAccountable(before: KubeObject, world: World): boolean {
  return world.asked.has(before.metadata.name) && !isReleased(before);
}

function newRequest({ kind, type, object, previous }: Change) {
  if (kind !== 'NodeReboot' || type === 'DELETED') return undefined;
  const request = requestOf(object);
  return request !== undefined && request.attemptID !== requestOf(previous)?.attemptID ? request : undefined;
}
