import type { NodeView, RebootPolicy } from '../model.ts';
import { type Rules, readRules } from './rules.ts';
import { matches } from './selector.ts';

/** A policy as decisions use it. */
export interface ReadPolicy {
  policy: RebootPolicy;
  name: string;
  /** Null when the policy cannot be understood; then `problems` says why, and it disrupts nothing. */
  rules: Rules | null;
  problems: readonly string[];
  /** The nodes that it owns. */
  nodes: readonly NodeView[];
  /** The nodes that it selects, but that a policy of higher priority, or an older one, owns, with that policy's name. */
  overlaps: readonly { node: string; owner: string }[];
}

/**
 * Reads every policy, the most important first, and gives each node to the first that selects it: by priority, then by
 * age, then by name. A policy that is being deleted owns nothing.
 */
export function readPolicies(policies: readonly RebootPolicy[], nodes: Iterable<NodeView>): ReadPolicy[] {
  const inOrder = [...policies].sort(byImportance);
  const owned = new Map<string, { owner: RebootPolicy; node: NodeView }>();
  const overlaps = new Map<RebootPolicy, { node: string; owner: string }[]>();
  for (const node of nodes) {
    const [owner, ...others] = inOrder.filter(
      (policy) => !isDeleted(policy) && matches(policy.spec.nodeSelector, node.labels),
    );
    if (owner === undefined) continue;
    owned.set(node.name, { owner, node });
    for (const other of others) {
      const lost = overlaps.get(other) ?? [];
      overlaps.set(other, lost);
      lost.push({ node: node.name, owner: owner.metadata.name });
    }
  }
  const owners = [...owned.values()];
  return inOrder.map((policy) => ({
    policy,
    name: policy.metadata.name,
    nodes: owners.filter(({ owner }) => owner === policy).map(({ node }) => node),
    overlaps: overlaps.get(policy) ?? [],
    ...readRules(policy.spec),
  }));
}

/** The policy that owns a node, of policies in the order of their importance. */
export function ownerOf(node: NodeView, policies: readonly ReadPolicy[]): ReadPolicy | undefined {
  return policies.find(({ policy }) => !isDeleted(policy) && matches(policy.spec.nodeSelector, node.labels));
}

export function isDeleted({ metadata }: RebootPolicy): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function byImportance(a: RebootPolicy, b: RebootPolicy): number {
  const priorities = [a, b].map(({ spec }) => spec.priority ?? 0) as [number, number];
  if (priorities[0] !== priorities[1]) return priorities[1] - priorities[0];
  const [one, other] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp} ${metadata.name}`);
  return (one as string) < (other as string) ? -1 : 1;
}
