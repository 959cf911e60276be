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
  /** The nodes that it selects, but that an older policy owns, with that policy's name. */
  overlaps: readonly { node: string; owner: string }[];
}

/** Reads every policy and gives each node to the oldest policy that selects it (ties by name). */
export function readPolicies(policies: readonly RebootPolicy[], nodes: Iterable<NodeView>): ReadPolicy[] {
  const inOrder = [...policies].sort(byAge);
  const owned = new Map<string, { owner: RebootPolicy; node: NodeView }>();
  const overlaps = new Map<RebootPolicy, { node: string; owner: string }[]>();
  for (const node of nodes) {
    const [owner, ...others] = inOrder.filter((policy) => matches(policy.spec.nodeSelector, node.labels));
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

function byAge(a: RebootPolicy, b: RebootPolicy): number {
  const [one, other] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp} ${metadata.name}`);
  return (one as string) < (other as string) ? -1 : 1;
}
