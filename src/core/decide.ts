import { advance, contextOf } from './attempt/attempt.ts';
import type { AttemptContext, Progress } from './attempt/progress.ts';
import { adoptionSteps, type Claim, claimOf, heldFromOutside, isOutranked } from './lock/leadership.ts';
import { type Upkeep, upkeepOf } from './lock/upkeep.ts';
import type { Ask, Slot, Snapshot, Verdict } from './model.ts';
import { ownerOf, type ReadPolicy, readPolicies } from './policy/owners.ts';
import { type Candidate, settleTimer } from './queue/eligibility.ts';
import { type Halt, haltOf } from './queue/halt.ts';
import { policyStep } from './queue/policyStep.ts';
import { attemptFor, queueOf, type Waiting } from './queue/queue.ts';
import { wishSteps } from './queue/wishes.ts';
import { type LockEdit, nodeOf, type Step } from './steps.ts';
import type { Timers } from './timers.ts';

/** Everything that follows from one snapshot. */
export interface Plan {
  /** Write the lock anew with this leadership's epoch, and do nothing else. */
  claim: Claim | null;
  /** What was in flight before this leadership is being raised to its epoch; nothing else is done before that. */
  adopting: boolean;
  /** Somebody else leads: write nothing and campaign again. */
  resign: string | null;
  /** Read these, then decide again; the rest of the plan stands meanwhile. */
  asks: readonly Ask[];
  lockEdits: readonly LockEdit[];
  /** At most one step a node, in any order. */
  steps: readonly Step[];
  /** Steps that may be taken only after the lock edits have landed. */
  stepsAfterLock: readonly Step[];
  /** Where each node in flight stands. */
  inFlight: ReadonlyMap<string, Progress>;
  waiting: ReadonlyMap<string, Waiting>;
  policies: readonly ReadPolicy[];
  /** Why nothing may start anywhere. */
  held: Verdict | null;
  /** Which policies have halted, and which of their nodes are Failed, by the policy's UID. */
  halts: ReadonlyMap<string, Halt>;
  /** The replica to hand leadership over to, so that this controller's own node may go. */
  handOver: string | null;
}

/** Decides what is to be done now. Pure: the same snapshot and timers give the same plan. */
export function decide(snapshot: Snapshot, timers: Timers): Plan {
  const policies = readPolicies(snapshot.policies, snapshot.nodes.values());
  const { lock, epoch } = snapshot;
  if (lock.kind === 'newer') {
    const message = `The cluster lock has format ${lock.format}, which this release cannot read. Upgrade Drydock.`;
    return { ...NOTHING, policies, held: { code: 'LockNewer', message } };
  }
  if (isOutranked(snapshot)) return { ...NOTHING, policies, resign: 'a higher epoch was found' };
  const claim = claimOf(snapshot);
  if (claim !== null || lock.kind !== 'ok' || epoch === null) return { ...NOTHING, policies, claim };
  const adoption = adoptionSteps(snapshot, lock.slots, epoch);
  if (adoption.length > 0) return { ...NOTHING, policies, steps: adoption, adopting: true };
  return act(snapshot, timers, policies, { slots: lock.slots, epoch });
}

const NOTHING: Plan = {
  claim: null,
  adopting: false,
  resign: null,
  asks: [],
  lockEdits: [],
  steps: [],
  stepsAfterLock: [],
  inFlight: new Map(),
  waiting: new Map(),
  policies: [],
  held: null,
  halts: new Map(),
  handOver: null,
};

interface Leading {
  slots: readonly Slot[];
  epoch: number;
}

function act(snapshot: Snapshot, timers: Timers, policies: readonly ReadPolicy[], { slots, epoch }: Leading): Plan {
  const upkeep = upkeepOf(snapshot, policies, slots);
  const halts = new Map(policies.map((read) => [read.policy.metadata.uid, haltOf(read, slots, snapshot)]));
  const haltedBy = (uid: string) => halts.get(uid)?.verdict ?? null;
  const inFlight = new Map<string, Progress>();
  for (const slot of slots) {
    const node = snapshot.nodes.get(slot.node);
    if (node?.uid !== slot.nodeUID) continue;
    const of = { owner: ownerOf(node, policies)?.policy.metadata.uid, halted: haltedBy(slot.policyUID) };
    inFlight.set(slot.node, advanceSafely(contextOf(snapshot, timers, slot, node, epoch, of)));
  }
  const moves = [...inFlight.values()];
  const held = heldFromOutside(snapshot.lock, timers) ?? tidyingUp(upkeep);
  const holds = ({ policy }: ReadPolicy) => held ?? haltedBy(policy.metadata.uid);
  const queue = queueOf(policies, slots, holds, snapshot, timers);
  const start = queue.starts === null ? null : startOf(queue.starts, snapshot, epoch);
  const ready = moves.filter((move) => move.step !== undefined && move.stepAfterLock !== true);
  const busy = nodesOfSteps([
    ...upkeep.steps,
    ...moves.flatMap(({ step }) => step ?? []),
    ...(start ? [start.step] : []),
  ]);
  const after = moves.filter((move) => move.step !== undefined && move.stepAfterLock === true);
  return {
    ...NOTHING,
    policies,
    held,
    halts,
    handOver: queue.handOver,
    inFlight,
    waiting: queue.waiting,
    asks: [...moves.flatMap((move) => move.asks ?? []), ...upkeep.asks, ...queue.asks],
    lockEdits: [...upkeep.lockEdits, ...moves.flatMap((move) => move.lockEdit ?? []), ...(start ? [start.edit] : [])],
    steps: [
      ...upkeep.steps,
      ...ready.flatMap((move) => move.step ?? []),
      ...wishSteps(policies, snapshot, slots, busy),
      ...policies.flatMap((read) => policyStep(read, slots, halts.get(read.policy.metadata.uid)) ?? []),
    ],
    stepsAfterLock: [...after.flatMap((move) => move.step ?? []), ...(start ? [start.step] : [])],
  };
}

/** The nodes that something is done about already. */
function nodesOfSteps(steps: readonly Step[]): Set<string> {
  return new Set(steps.flatMap((step) => nodeOf(step) ?? []));
}

/** What cannot be decided about one node stops that node, and no other. */
function advanceSafely(context: AttemptContext): Progress {
  const { timers, node, nodeReboot } = context;
  if (nodeReboot !== undefined) timers.elapsed(settleTimer(node, nodeReboot));
  try {
    return advance(context);
  } catch (error) {
    const message = `The attempt cannot be decided: ${error instanceof Error ? error.message : error}`;
    return { phase: 'Failed', verdict: { code: 'Undecidable', message } };
  }
}

/** A node that is being put back is still out of service, though it has no slot: nothing starts beside it. */
function tidyingUp({ steps, lockEdits }: Upkeep): Verdict | null {
  const untidy = steps.some(({ kind }) => kind === 'restoreNode' || kind === 'clearAttempt');
  if (!untidy && !lockEdits.some(({ kind }) => kind === 'take')) return null;
  return { code: 'TidyingUp', message: 'What was left of earlier attempts is put in order first.' };
}

function startOf(
  candidate: Candidate,
  { nextAttemptID, now }: Snapshot,
  epoch: number,
): { edit: LockEdit; step: Step } {
  const { node, nodeReboot, owner } = candidate;
  const slot: Slot = {
    node: node.name,
    nodeUID: node.uid,
    policyUID: owner.policy.metadata.uid,
    attemptID: nextAttemptID,
    fromBootID: node.bootID,
    requested: '',
  };
  const attempt = attemptFor(candidate, nextAttemptID, epoch, now);
  return { edit: { kind: 'take', slot }, step: { kind: 'beginAttempt', nodeReboot, attempt } };
}
