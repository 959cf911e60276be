import type { NodeReboot } from '../model.ts';
import type { ReadPolicy } from './owners.ts';

/** From so many proven reboots on, what was learnt counts instead of what the policy says. */
const ENOUGH = 5;
const REMEMBERED = 20;

/**
 * How long a reboot under a policy is expected to take, in milliseconds: the longest of its last twenty proven reboots,
 * or, before there were five, what its schedule says.
 */
export function expectedDurationMs(
  { name, nodes, rules }: ReadPolicy,
  nodeReboots: ReadonlyMap<string, NodeReboot>,
): number {
  const reboots: { endedAt: string; took: number }[] = [];
  for (const node of nodes) {
    for (const { outcome, policy, startedAt, endedAt } of nodeReboots.get(node.name)?.status?.history ?? []) {
      const took = Date.parse(endedAt) - Date.parse(startedAt);
      if (outcome === 'Rebooted' && policy === name && took >= 0) reboots.push({ endedAt, took });
    }
  }
  if (reboots.length < ENOUGH) return rules?.expectedDurationMs ?? 0;
  const last = reboots.sort((a, b) => (a.endedAt < b.endedAt ? 1 : -1)).slice(0, REMEMBERED);
  return Math.max(...last.map(({ took }) => took));
}
