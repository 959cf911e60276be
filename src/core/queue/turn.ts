import type { Gates } from '../../api/generated/rebootpolicy.ts';
import { GATE_PERIOD_MS } from '../attempt/request.ts';
import type { Ask, NodeView, Slot, Snapshot, Verdict } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import type { Timers } from '../timers.ts';
import { budgetOf } from './budget.ts';
import type { Candidate } from './eligibility.ts';
import { otherRebooter } from './rebooters.ts';

/** Whose turn it is in one policy. */
export interface Turn {
  starts: Candidate | null;
  /** What the nodes that do not start are told. */
  verdicts: ReadonlyMap<string, Verdict>;
  asks: readonly Ask[];
}

export const NEXT: Verdict = { code: 'WaitsForTurn', message: 'Other nodes go first.' };
const CHECKING: Verdict = { code: 'CheckingGates', message: 'The gates of the policy are being asked.' };
const REPORT_ONLY: Verdict = {
  code: 'ReportOnly',
  message: 'The node would be rebooted now; the policy only reports (mode: Report).',
};

/** Reads what all nodes of a policy share, once; gives the turn of some of them. */
export function turnsOf(
  policy: ReadPolicy,
  slots: readonly Slot[],
  held: Verdict | null,
  snapshot: Snapshot,
  timers: Timers,
): (eligible: readonly Candidate[]) => Turn {
  const { nodes, maxDisrupted, now } = snapshot;
  const hold = held ?? otherRebooter(policy.rules, snapshot);
  const budget = budgetOf(policy, { nodes, slots, maxDisrupted, now, timers });
  const keeps = (node: NodeView) => hold ?? budget(node);
  return (eligible) => turnOf(eligible, keeps, snapshot, timers);
}

/** Whose turn it is among the nodes of one policy that could start. */
function turnOf(
  eligible: readonly Candidate[],
  keeps: (node: NodeView) => Verdict | null,
  snapshot: Snapshot,
  timers: Timers,
): Turn {
  const verdicts = new Map(eligible.map(({ node }) => [node.name, keeps(node) ?? NEXT]));
  const first = eligible.find(({ node }) => verdicts.get(node.name) === NEXT);
  if (first === undefined) return { starts: null, verdicts, asks: [] };
  /** What keeps the first keeps all that only wait for it. */
  const stays = (verdict: Verdict, asks: readonly Ask[] = []): Turn => {
    for (const [name, said] of verdicts) if (said === NEXT) verdicts.set(name, verdict);
    return { starts: null, verdicts, asks };
  };
  const { owner, rules, node } = first;
  const { nodesFresh, gates } = snapshot.answers;
  if (hasGates(rules.gates) && !gates.has(owner.name)) {
    return stays(CHECKING, [{ kind: 'gates', key: owner.name, gates: rules.gates }]);
  }
  const gate = gates.get(owner.name) ?? null;
  if (gate !== null) {
    timers.wakeIn(GATE_PERIOD_MS);
    return stays(gate);
  }
  if (rules.mode === 'Report') {
    if (hasGates(rules.gates)) timers.wakeIn(GATE_PERIOD_MS);
    verdicts.set(node.name, REPORT_ONLY);
    return { starts: null, verdicts, asks: [] };
  }
  if (!nodesFresh) return stays(CHECKING, [{ kind: 'nodes' }]);
  verdicts.delete(node.name);
  return { starts: first, verdicts, asks: [] };
}

function hasGates({ prometheus }: Gates): boolean {
  return prometheus !== undefined;
}
