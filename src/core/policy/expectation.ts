import type { NodeReboot } from '../model.ts';
import { parseDuration } from './duration.ts';
import type { ReadPolicy } from './owners.ts';

/** From so many proven reboots on, what was learnt counts instead of what the policy says. */
const ENOUGH = 5;
const REMEMBERED = 20;

/**
 * How long a reboot under a policy is expected to take, in milliseconds: the longest of its last twenty proven reboots,
 * or, before there were five, what its schedule says. What had failed before it healed says nothing of the others. And
 * no more is learnt than half of the longest window: a single slow reboot must not keep all nodes waiting for ever.
 */
export function expectedDurationMs(
  { name, nodes, rules }: ReadPolicy,
  nodeReboots: ReadonlyMap<string, NodeReboot>,
): number {
  const reboots: { endedAt: string; took: number }[] = [];
  for (const node of nodes) {
    for (const entry of nodeReboots.get(node.name)?.status?.history ?? []) {
      const { outcome, policy, startedAt, endedAt, healed } = entry;
      const took = Date.parse(endedAt) - Date.parse(startedAt);
      if (outcome === 'Rebooted' && policy === name && healed !== true && took >= 0) reboots.push({ endedAt, took });
    }
  }
  const said = rules?.expectedDurationMs ?? 0;
  if (reboots.length < ENOUGH) return said;
  const last = reboots.sort((a, b) => (a.endedAt < b.endedAt ? 1 : -1)).slice(0, REMEMBERED);
  const windows = (rules?.schedule.windows ?? []).map(({ duration }) => parseDuration(duration));
  const most = windows.length === 0 ? Number.POSITIVE_INFINITY : Math.max(said, Math.max(...windows) / 2);
  return Math.min(most, Math.max(...last.map(({ took }) => took)));
}
