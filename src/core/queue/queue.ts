import type { Ask, Slot, Snapshot, Verdict } from '../model.ts';
import { expectedDurationMs } from '../policy/expectation.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import type { Attempt } from '../steps.ts';
import type { Timers } from '../timers.ts';
import { blockersOf, type Candidate } from './eligibility.ts';
import { isRebootNow } from './grant.ts';
import { isOwn, ownNode } from './ownNode.ts';
import { isRequired } from './required.ts';
import { NEXT, type Turn, turnsOf } from './turn.ts';

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
  /** The replica that leadership goes to, so that this controller's own node may start. */
  handOver: string | null;
}

/** What keeps the nodes of a policy, or all nodes, from starting. */
export type Holds = (policy: ReadPolicy) => Verdict | null;

/**
 * Decides which node starts next: at most one per decision, so that every start sees the ones before it. The node of
 * this controller goes after all others.
 */
export function queueOf(
  policies: readonly ReadPolicy[],
  slots: readonly Slot[],
  holds: Holds,
  snapshot: Snapshot,
  timers: Timers,
): Queue {
  const waiting = new Map<string, Waiting>();
  const wait = (name: string, verdict: Verdict) => waiting.set(name, { required: true, blockers: [verdict] });
  const lines = policies.map((policy) => lineOf(policy, slots, holds(policy), snapshot, timers));
  for (const { blocked } of lines) for (const [name, why] of blocked) waiting.set(name, why);
  const turns = lines.map(({ others, turnFor }) => turnFor(others));
  for (const { verdicts } of turns) for (const [name, verdict] of verdicts) wait(name, verdict);
  const [starts = null, ...later] = turns.flatMap((turn) => turn.starts ?? []);
  for (const { node } of later) wait(node.name, NEXT);
  const asks = turns.flatMap((turn) => turn.asks);
  const queue = { waiting, starts, asks, handOver: null };
  const own = lines.find((line) => line.own !== undefined);
  if (own?.own === undefined) return queue;
  const { name } = own.own.node;
  const alone = starts === null && asks.length === 0 && slots.length === 0;
  const { verdict, ...last } = alone ? ownTurn(name, own.turnFor([own.own]), snapshot) : { verdict: OWN_LAST };
  wait(name, verdict);
  return { ...queue, ...last };
}

/** The nodes of one policy, as they wait. */
interface Line {
  /** Those that could start, in order, but for this controller's own. */
  others: readonly Candidate[];
  own: Candidate | undefined;
  blocked: ReadonlyMap<string, Waiting>;
  turnFor: (eligible: readonly Candidate[]) => Turn;
}

function lineOf(
  policy: ReadPolicy,
  slots: readonly Slot[],
  held: Verdict | null,
  snapshot: Snapshot,
  timers: Timers,
): Line {
  const { eligible, blocked } = sort(policy, slots, snapshot, timers);
  const own = eligible.find((candidate) => goesLast(candidate, snapshot));
  const others = eligible.filter((candidate) => candidate !== own);
  return { others, own, blocked, turnFor: turnsOf(policy, slots, held, snapshot, timers) };
}

/** The turn of this controller's own node: when it comes, another replica leads first. */
function ownTurn(
  name: string,
  { starts, verdicts, asks }: Turn,
  snapshot: Snapshot,
): { verdict: Verdict; asks: readonly Ask[]; handOver: string | null } {
  if (starts === null) return { verdict: verdicts.get(name) ?? NEXT, asks, handOver: null };
  const way = ownNode(snapshot);
  const handOver = way.kind === 'handOver' ? way.to : null;
  return { verdict: way.verdict, asks: way.kind === 'ask' ? way.asks : [], handOver };
}

/** Whether the drain of a node would evict this controller. */
function goesLast({ node, rules }: Candidate, snapshot: Snapshot): boolean {
  return isOwn(node, snapshot) && rules.mode === 'Enforce' && !rules.allowLastNode;
}

const OWN_LAST: Verdict = {
  code: 'ControllerNodeLast',
  message: 'The active controller runs on the node, so it goes when no other node is out of service or about to be.',
};

/** A policy's nodes without a slot: those that could start, in order, and the others with their reasons. */
function sort(owner: ReadPolicy, slots: readonly Slot[], snapshot: Snapshot, timers: Timers) {
  const eligible: Candidate[] = [];
  const blocked = new Map<string, Waiting>();
  const { windows = [], freezes = [] } = owner.rules?.schedule ?? {};
  const scheduled = windows.length > 0 || freezes.length > 0;
  const expectedMs = scheduled ? expectedDurationMs(owner, snapshot.nodeReboots) : 0;
  const taken = new Set(slots.map(({ node }) => node));
  for (const node of owner.nodes) {
    const nodeReboot = snapshot.nodeReboots.get(node.name);
    if (nodeReboot === undefined || taken.has(node.name)) continue;
    const judged = judge({ owner, node, nodeReboot, expectedMs }, snapshot, timers);
    if ('blockers' in judged) blocked.set(node.name, judged);
    else eligible.push(judged);
  }
  return { eligible: inOrder(eligible), blocked };
}

function judge(
  of: Pick<Candidate, 'owner' | 'node' | 'nodeReboot' | 'expectedMs'>,
  snapshot: Snapshot,
  timers: Timers,
): Candidate | Waiting {
  const { owner, node, nodeReboot } = of;
  if (nodeReboot.status?.agent === undefined) return waits(false, AGENT_ABSENT);
  const rebootNow = isRebootNow(node, nodeReboot);
  if (!isRequired(nodeReboot) && !rebootNow) return waits(false, NOT_REQUIRED);
  if (owner.rules === null) return waits(true, invalid(owner));
  const candidate: Candidate = { ...of, rules: owner.rules, rebootNow };
  const blockers = blockersOf(candidate, snapshot, timers);
  return blockers.length > 0 ? { required: true, blockers } : candidate;
}

const AGENT_ABSENT: Verdict = { code: 'AgentAbsent', message: 'No agent has reported from the node yet.' };
export const NOT_REQUIRED: Verdict = { code: 'NotRequired', message: 'The node does not require a reboot.' };

function waits(required: boolean, verdict: Verdict): Waiting {
  return { required, blockers: [verdict] };
}

function invalid({ name, problems }: ReadPolicy): Verdict {
  return { code: 'PolicyInvalid', message: `RebootPolicy ${name} cannot be understood: ${problems.join(' ')}` };
}

/**
 * Nodes that a person wants rebooted first; then nodes that are down already, since they cost nothing more; nodes whose
 * last attempt failed after all others; among equals who has waited longest; then by name.
 */
function inOrder(candidates: readonly Candidate[]): Candidate[] {
  const keyed = candidates.map((candidate) => {
    const { node, nodeReboot, rebootNow } = candidate;
    const failed = (nodeReboot.status?.backoff?.failures ?? 0) > 0;
    const rank = rebootNow ? 0 : failed ? 3 : !node.ready || node.unschedulable ? 1 : 2;
    return { candidate, key: `${rank} ${nodeReboot.status?.agent?.since ?? ''} ${node.name}` };
  });
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ candidate }) => candidate);
}

/** The attempt that a node begins, with the policy frozen as it is now. */
export function attemptFor(
  { owner, nodeReboot, node, rebootNow }: Candidate,
  id: string,
  epoch: number,
  now: number,
): Attempt {
  const { name, uid, generation } = owner.policy.metadata;
  return {
    id,
    epoch,
    trigger: rebootNow ? 'Person' : 'Sentinel',
    startedAt: new Date(now).toISOString(),
    cordonedBefore: node.unschedulable,
    reasons: [...(nodeReboot.status?.agent?.reasons ?? [])],
    policy: { name, uid, generation: generation ?? 1, spec: { ...owner.policy.spec } },
  };
}
