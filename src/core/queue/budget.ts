import { MAX_SLOTS } from '../../api/names.ts';
import type { NodeView, Slot, Verdict } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import { nodesOf } from '../policy/share.ts';
import type { Timers } from '../timers.ts';
import { controlPlaneBusy, domainBusy } from './topology.ts';

/** A node that joined this recently and has not become Ready yet is not down: it is coming. */
const YOUNG_MS = 600_000;
/** When others have filled a budget for this long, they have probably forgotten it. */
const FORGOTTEN_MS = 3_600_000;

/** What a budget is decided from. */
export interface Fleet {
  /** All nodes of the cluster. */
  nodes: ReadonlyMap<string, NodeView>;
  slots: readonly Slot[];
  maxDisrupted: number;
  /** Epoch ms. */
  now: number;
  timers: Timers;
}

/** Whether a node is out of service, whoever made it so. */
export function isUnavailable(node: NodeView, slots: readonly Slot[], now: number): boolean {
  if (hasSlot(node, slots)) return true;
  if (node.deleting) return false;
  if (node.unschedulable) return true;
  return !node.ready && now - Date.parse(node.createdAt) >= YOUNG_MS;
}

/**
 * Reads the state of a policy's budget once, and says for each of its nodes why it may not be taken out of service now;
 * null if it may. A node that is down already is counted only once, so it may be chosen where the others leave room; it
 * does take a slot of the lock.
 */
export function budgetOf(policy: ReadPolicy, fleet: Fleet): (candidate: NodeView) => Verdict | null {
  const full = lockIsFull(fleet);
  const policyIsFull = policyBudget(policy, fleet);
  const otherDomain = domainBusy(policy, fleet.slots);
  const quorum = controlPlaneBusy(fleet.nodes, fleet.slots);
  return (candidate) => full ?? policyIsFull(candidate) ?? otherDomain(candidate) ?? quorum(candidate);
}

function lockIsFull({ slots, maxDisrupted }: Fleet): Verdict | null {
  if (slots.length < Math.min(maxDisrupted, MAX_SLOTS)) return null;
  const message = 'As many nodes are out of service as the cluster allows (--max-disrupted of the controller).';
  return { code: 'ClusterBudgetUsed', message, nodes: slots.map(({ node }) => node).sort() };
}

function policyBudget({ policy, nodes, rules }: ReadPolicy, { slots, now, timers }: Fleet) {
  const down = nodes.filter((node) => isUnavailable(node, slots, now));
  // A node that the policy no longer selects, but that has been accepted under it, is still out of service because of it.
  const owned = new Set(nodes.map(({ name }) => name));
  const former = slots.filter((slot) => slot.policyUID === policy.metadata.uid && !owned.has(slot.node));
  const names = [...down.map(({ name }) => name), ...former.map(({ node }) => node)].sort();
  const unavailable = new Set(names);
  const most = rules === null ? 0 : nodesOf(rules.maxUnavailable, nodes.length);
  const byOthers = names.length >= most && former.length === 0 && !down.some((node) => hasSlot(node, slots));
  const forgotten = byOthers && timers.expired(`others/${policy.metadata.uid}`, FORGOTTEN_MS);
  return (candidate: NodeView): Verdict | null => {
    const itself = unavailable.has(candidate.name);
    if (unavailable.size - (itself ? 1 : 0) < most) return null;
    const others = itself ? names.filter((name) => name !== candidate.name) : names;
    if (!forgotten) return { code: 'BudgetUsed', message: BUDGET_USED, nodes: others };
    return { code: 'BudgetUsedByOthers', message: BUDGET_USED_BY_OTHERS, nodes: others };
  };
}

const BUDGET_USED = 'As many nodes of the policy are unavailable as it allows (disruption.maxUnavailable).';
const BUDGET_USED_BY_OTHERS =
  'For more than an hour, nodes that others cordoned or that are NotReady have used up what the policy allows (disruption.maxUnavailable). Uncordon or mend them, or raise it.';

export function hasSlot({ name, uid }: NodeView, slots: readonly Slot[]): boolean {
  return slots.some((slot) => slot.node === name && slot.nodeUID === uid);
}

/**
 * Whether draining a node would leave no other node for its pods: one that has a slot is on its way out as well, and one
 * with taints that the candidate has not is none that its pods are known to tolerate.
 */
export function isLastSchedulable(candidate: NodeView, nodes: Iterable<NodeView>, slots: readonly Slot[]): boolean {
  const leaving = new Set(slots.map(({ node }) => node));
  for (const node of nodes) {
    const stays = node.name !== candidate.name && !leaving.has(node.name) && isSchedulable(node);
    if (stays && node.taints.every((taint) => candidate.taints.includes(taint))) return false;
  }
  return true;
}

/** Whether new pods can come to a node. */
export function isSchedulable({ ready, unschedulable, deleting }: NodeView): boolean {
  return ready && !unschedulable && !deleting;
}
