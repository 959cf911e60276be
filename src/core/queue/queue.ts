import type { Gates } from '../../api/generated/rebootpolicy.ts';
import { GATE_PERIOD_MS } from '../attempt/stages.ts';
import type { Ask, NodeReboot, NodeView, Slot, Snapshot, Verdict } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import type { Attempt } from '../steps.ts';
import type { Timers } from '../timers.ts';
import { overBudget } from './budget.ts';
import { blockersOf, type Candidate, isRequired } from './eligibility.ts';

/** Why a node that is not in flight is not rebooting now: all reasons, the first being the verdict. */
export interface Waiting {
  required: boolean;
  blockers: readonly Verdict[];
}

/** The nodes that wait, and the one that starts now, if any. */
export interface Queue {
  waiting: ReadonlyMap<string, Waiting>;
  starts: Candidate | null;
  asks: readonly Ask[];
}

/**
 * Decides which node starts next: at most one per decision, so that every start sees the ones before it.
 *
 * @param held why nothing may start anywhere, whatever the policies say
 */
export function queueOf(
  policies: readonly ReadPolicy[],
  slots: readonly Slot[],
  held: Verdict | null,
  snapshot: Snapshot,
  timers: Timers,
): Queue {
  const waiting = new Map<string, Waiting>();
  const asks: Ask[] = [];
  let starts: Candidate | null = null;
  for (const policy of policies) {
    const { eligible, blocked } = sort(policy, slots, snapshot, timers);
    for (const [name, why] of blocked) waiting.set(name, why);
    const turn = turnOf(eligible, slots, held, snapshot, timers);
    asks.push(...turn.asks);
    for (const { node } of eligible) waiting.set(node.name, { required: true, blockers: [turn.verdict] });
    if (starts === null && turn.starts !== null) {
      starts = turn.starts;
      waiting.delete(starts.node.name);
    }
  }
  return { waiting, starts, asks };
}

interface Turn {
  starts: Candidate | null;
  /** What the nodes that do not start are told. */
  verdict: Verdict;
  asks: readonly Ask[];
}

const NEXT: Verdict = { code: 'WaitsForTurn', message: 'Other nodes of the policy go first.' };
const CHECKING: Verdict = { code: 'CheckingGates', message: 'The gates of the policy are being asked.' };

function turnOf(
  eligible: readonly Candidate[],
  slots: readonly Slot[],
  held: Verdict | null,
  snapshot: Snapshot,
  timers: Timers,
): Turn {
  const first = eligible[0];
  const stays = (verdict: Verdict, asks: readonly Ask[] = []): Turn => ({ starts: null, verdict, asks });
  if (first === undefined) return stays(NEXT);
  if (first.rules.mode === 'Report') {
    return stays({
      code: 'ReportOnly',
      message: 'The node would be rebooted; the policy only reports (mode: Report).',
    });
  }
  if (held !== null) return stays(held);
  const spent = overBudget(first.node, first.owner, slots, snapshot.maxDisrupted, snapshot.now);
  if (spent !== null) return stays(spent);
  const { nodesFresh, gates } = snapshot.answers;
  if (hasGates(first.rules.gates) && !gates.has(first.owner.name)) {
    return stays(CHECKING, [{ kind: 'gates', key: first.owner.name, gates: first.rules.gates }]);
  }
  const gate = gates.get(first.owner.name) ?? null;
  if (gate !== null) {
    timers.wakeIn(GATE_PERIOD_MS);
    return stays(gate);
  }
  return nodesFresh ? { starts: first, verdict: NEXT, asks: [] } : stays(CHECKING, [{ kind: 'nodes' }]);
}

/** A policy's nodes without a slot: those that could start, in order, and the others with their reasons. */
function sort(owner: ReadPolicy, slots: readonly Slot[], snapshot: Snapshot, timers: Timers) {
  const eligible: Candidate[] = [];
  const blocked = new Map<string, Waiting>();
  for (const node of owner.nodes) {
    const nodeReboot = snapshot.nodeReboots.get(node.name);
    if (nodeReboot === undefined || slots.some((slot) => slot.node === node.name)) continue;
    const judged = judge(owner, node, nodeReboot, snapshot, timers);
    if ('blockers' in judged) blocked.set(node.name, judged);
    else eligible.push(judged);
  }
  return { eligible: eligible.sort(byTurn), blocked };
}

function judge(
  owner: ReadPolicy,
  node: NodeView,
  nodeReboot: NodeReboot,
  snapshot: Snapshot,
  timers: Timers,
): Candidate | Waiting {
  if (nodeReboot.status?.agent === undefined) return waits(false, AGENT_ABSENT);
  if (!isRequired(nodeReboot)) return waits(false, NOT_REQUIRED);
  if (owner.rules === null) return waits(true, invalid(owner));
  const candidate: Candidate = { node, nodeReboot, owner, rules: owner.rules };
  const blockers = blockersOf(candidate, snapshot, timers);
  return blockers.length > 0 ? { required: true, blockers } : candidate;
}

function hasGates(gates: Gates): boolean {
  return Object.keys(gates).length > 0;
}

const AGENT_ABSENT: Verdict = { code: 'AgentAbsent', message: 'No agent has reported from the node yet.' };
const NOT_REQUIRED: Verdict = { code: 'NotRequired', message: 'The node does not require a reboot.' };

function waits(required: boolean, verdict: Verdict): Waiting {
  return { required, blockers: [verdict] };
}

function invalid({ name, problems }: ReadPolicy): Verdict {
  return { code: 'PolicyInvalid', message: `RebootPolicy ${name} cannot be understood: ${problems.join(' ')}` };
}

/** Nodes that are down already first, since they cost nothing more; then who has waited longest; then by name. */
function byTurn(a: Candidate, b: Candidate): number {
  const down = ({ node }: Candidate) => (!node.ready || node.unschedulable ? 0 : 1);
  const key = (candidate: Candidate) =>
    `${down(candidate)} ${candidate.nodeReboot.status?.agent?.since ?? ''} ${candidate.node.name}`;
  return key(a) < key(b) ? -1 : 1;
}

/** The attempt that a node begins, with the policy frozen as it is now. */
export function attemptFor({ owner, nodeReboot, node }: Candidate, id: string, epoch: number, now: number): Attempt {
  const { name, uid, generation } = owner.policy.metadata;
  return {
    id,
    epoch,
    trigger: 'Sentinel',
    startedAt: new Date(now).toISOString(),
    cordonedBefore: node.unschedulable,
    reasons: [...(nodeReboot.status?.agent?.reasons ?? [])],
    policy: { name, uid, generation: generation ?? 1, spec: { ...owner.policy.spec } },
  };
}
