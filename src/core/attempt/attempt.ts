import type { NodeReboot, NodeView, Slot, Snapshot, Verdict } from '../model.ts';
import { DEFAULTS, frozenRules } from '../policy/rules.ts';
import type { Timers } from '../timers.ts';
import { cordonOf } from './cordon.ts';
import { type Ending, endingOf, endOf } from './finish.ts';
import { interruption } from './interruption.ts';
import { type AttemptContext, end, type LiveContext, type Progress } from './progress.ts';
import { isReleased, release, released } from './release.ts';
import { STAGES } from './stages.ts';
import { verify } from './verification.ts';

/**
 * Decides the next move of an attempt, from what the cluster says now and nothing else, so that any controller can
 * take it up at any line. It follows `test/model/handshake.py`.
 */
export function advance(context: AttemptContext): Progress {
  const { slot, nodeReboot, attempt } = context;
  if (isReleased(context)) return released(context);
  if (isAccepted(slot, nodeReboot)) return afterAcceptance(context);
  if (nodeReboot === undefined || attempt === undefined) {
    return finish(context, endingOf(ATTEMPT_GONE), true);
  }
  if (attempt.ending !== undefined) return finish(context, endingOf(attempt.ending), true);
  const rules = frozenRules(attempt);
  if (rules === null) return end({ nodeReboot, attempt }, UNREADABLE);
  const live: LiveContext = { ...context, nodeReboot, attempt, rules };
  const reason = interruption(live);
  if (reason !== null) return end(live, reason);
  for (const stage of STAGES) {
    const progress = stage(live);
    if (progress !== null) return progress;
  }
  throw new Error('the last stage always waits');
}

const ATTEMPT_GONE: Verdict = { code: 'AttemptGone', message: 'The attempt is no longer recorded.' };
const UNREADABLE: Verdict = { code: 'AttemptUnreadable', message: "The attempt's copy of its policy cannot be read." };

/**
 * A request whose NodeReboot was deleted or replaced may have been accepted before: the mark in the lock says that it
 * was made, so it counts as accepted.
 */
function isAccepted(slot: Slot, nodeReboot: NodeReboot | undefined): boolean {
  const replaced = slot.requested !== '' && slot.requested !== nodeReboot?.metadata.uid;
  return replaced || nodeReboot?.status?.agent?.accepted === slot.attemptID;
}

/**
 * Nobody withdraws any more: the node is seen through its reboot, or the agent says that there is none, or a person
 * releases what has failed.
 */
function afterAcceptance(context: AttemptContext): Progress {
  const { nodeReboot, slot, node } = context;
  const failure = nodeReboot?.status?.agent?.failed;
  if (hasRebooted(node, slot)) {
    const lacking = verify(context);
    return lacking === null ? finish(context, REBOOTED, false) : (release(context) ?? lacking);
  }
  if (failure?.attemptID === slot.attemptID) {
    const message = `The node could not be rebooted: ${failure.reason}`;
    return finish(context, { outcome: 'Failed', code: 'RebootFailed', message }, false);
  }
  return release(context) ?? awaitReboot(context);
}

const REBOOTED: Ending = { outcome: 'Rebooted', code: 'Rebooted', message: 'The node has rebooted and is verified.' };

/** A node that does not come back in time is Failed, durably, until it does or a person releases it. */
function awaitReboot({ attempt, nodeReboot, slot, timers, snapshot }: AttemptContext): Progress {
  const timedOut: Progress = { phase: 'Failed', verdict: { code: 'RebootTimedOut', message: TIMED_OUT } };
  if (attempt?.failure !== undefined) return timedOut;
  const { rebootDelayMs, rebootTimeoutMs } = (attempt && frozenRules(attempt)) ?? DEFAULTS;
  if (timers.expired(`reboot/${slot.attemptID}`, rebootDelayMs + rebootTimeoutMs)) {
    if (nodeReboot === undefined || attempt === undefined) return timedOut;
    const { code, message } = timedOut.verdict;
    return { ...timedOut, step: { kind: 'failAttempt', nodeReboot, attempt, code, message, now: snapshot.now } };
  }
  return {
    phase: 'Rebooting',
    verdict: { code: 'Rebooting', message: 'The agent has accepted; the new boot ID is awaited.' },
  };
}

const TIMED_OUT =
  'The agent accepted the reboot, but no new boot ID appeared in time. The node keeps its cordon and its slot, since a late reboot is still possible. It goes on by itself if the node comes back; else annotate its NodeReboot with drydock.dev/release and the ID of the attempt.';

/** @param withdrawn whether the reboot was given up before the agent accepted it */
function finish(context: AttemptContext, how: Ending, withdrawn: boolean): Progress {
  const { code, message } = how;
  return { phase: 'Uncordoning', verdict: { code, message }, ...endOf(context, how, withdrawn) };
}

function hasRebooted(node: NodeView, slot: Slot): boolean {
  return node.bootID !== '' && node.bootID !== slot.fromBootID;
}

export function contextOf(
  snapshot: Snapshot,
  timers: Timers,
  slot: Slot,
  node: NodeView,
  epoch: number,
  { owner, halted }: Pick<AttemptContext, 'owner' | 'halted'>,
): AttemptContext {
  const nodeReboot = snapshot.nodeReboots.get(slot.node);
  const recorded = nodeReboot?.spec.attempt;
  return {
    snapshot,
    timers,
    slot,
    node,
    nodeReboot,
    attempt: recorded?.id === slot.attemptID ? recorded : undefined,
    cordon: cordonOf(node),
    policy: snapshot.policies.find((policy) => policy.metadata.uid === slot.policyUID),
    owner,
    halted,
    epoch,
  };
}
