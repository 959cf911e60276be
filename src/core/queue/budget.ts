import { MAX_SLOTS } from '../../api/names.ts';
import type { NodeView, Slot, Verdict } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';

/** A node that joined this recently and has not become Ready yet is not down: it is coming. */
const YOUNG_MS = 600_000;

/** Whether a node is out of service, whoever made it so. */
export function isUnavailable(node: NodeView, slots: readonly Slot[], now: number): boolean {
  if (slots.some((slot) => slot.node === node.name && slot.nodeUID === node.uid)) return true;
  if (node.deleting) return false;
  if (node.unschedulable) return true;
  return !node.ready && now - Date.parse(node.createdAt) >= YOUNG_MS;
}

/**
 * Whether one more node of a policy may be taken out of service. A node that is down already takes nothing more from
 * the policy's budget, but it does take a slot of the lock.
 *
 * @param now epoch ms
 */
export function overBudget(
  candidate: NodeView,
  { nodes, rules }: ReadPolicy,
  slots: readonly Slot[],
  maxDisrupted: number,
  now: number,
): Verdict | null {
  if (slots.length >= Math.min(maxDisrupted, MAX_SLOTS)) {
    const message = 'As many nodes are out of service as the cluster allows (--max-disrupted of the controller).';
    return { code: 'ClusterBudgetUsed', message, nodes: slots.map(({ node }) => node).sort() };
  }
  const others = nodes.filter((node) => node !== candidate && isUnavailable(node, slots, now)).map(({ name }) => name);
  if (others.length < (rules?.maxUnavailable ?? 0)) return null;
  const message = 'As many nodes of the policy are unavailable as it allows (disruption.maxUnavailable).';
  return { code: 'BudgetUsed', message, nodes: others.sort() };
}

/** Whether draining a node would leave no other node for its pods: one that has a slot is on its way out as well. */
export function isLastSchedulable(candidate: NodeView, nodes: Iterable<NodeView>, slots: readonly Slot[]): boolean {
  const leaving = new Set(slots.map(({ node }) => node));
  for (const node of nodes) {
    const stays = node.name !== candidate.name && !leaving.has(node.name);
    if (stays && node.ready && !node.unschedulable && !node.deleting) return false;
  }
  return true;
}
