import type { Ask, Verdict } from '../model.ts';
import { nameOf } from '../pod.ts';
import type { Phase, Step } from '../steps.ts';
import { type DrainState, drainState } from './drain.ts';
import { end, type LiveContext, type Progress } from './progress.ts';

/** Moves pods off a cordoned node; null when none is left, or when the policy goes on with those that are. */
export function drain(context: LiveContext): Progress | null {
  const { slot, rules, timers, attempt } = context;
  const { timeoutMs } = rules.drain;
  const late = timers.expired(`drain/${slot.attemptID}`, timeoutMs);
  const state = drainOf(context);
  if (state === null) return late ? end(context, NOT_READABLE) : reading(context, 'Draining');
  if (state.refused.length > 0) return end(context, refused(state));
  if (state.left.length === 0) return null;
  const { escalation } = attempt;
  if (escalation?.kind === 'Reboot') return null;
  if (escalation?.kind === 'Delete') {
    return timers.expired(`delete/${slot.attemptID}`, timeoutMs)
      ? end(context, timedOut(state))
      : deleting(context, state);
  }
  if (!late) return evicting(context, state);
  return rules.drain.onTimeout === 'Abort' ? end(context, timedOut(state)) : escalate(context, state);
}

function evicting(context: LiveContext, state: DrainState): Progress {
  const blocked = state.waitingFor.length > 0;
  const verdict = blocked
    ? { code: 'DrainBlocked', message: `Pods cannot be evicted now: ${state.waitingFor.slice(0, 3).join('; ')}` }
    : { code: 'Draining', message: 'Pods are being moved off the node.' };
  return { ...moving(context, state, 'evict'), verdict };
}

function deleting(context: LiveContext, state: DrainState): Progress {
  const failed = state.waitingFor.length > 0 ? `: ${state.waitingFor.slice(0, 3).join('; ')}` : '.';
  const message = `The drain did not end in time, so the pods that are left are deleted (drain.onTimeout)${failed}`;
  return { ...moving(context, state, 'deletePods'), verdict: { code: 'DeletingPods', message } };
}

function moving(context: LiveContext, state: DrainState, kind: 'evict' | 'deletePods'): Omit<Progress, 'verdict'> {
  const { node, slot, rules, timers, snapshot } = context;
  if (state.nextEviction !== Number.POSITIVE_INFINITY) timers.wakeIn(state.nextEviction - snapshot.mono);
  const progress = { phase: 'Draining', drain: state } as const;
  if (state.evictNow.length === 0) return progress;
  const { gracePeriodSeconds } = rules.drain;
  const step: Step = { kind, node, attemptID: slot.attemptID, pods: state.evictNow, gracePeriodSeconds };
  return { ...progress, step };
}

/** What the policy wants after the deadline is written down first, so that it is known whoever goes on. */
function escalate({ nodeReboot, attempt, rules, snapshot }: LiveContext, state: DrainState): Progress {
  const escalation = rules.drain.onTimeout === 'Delete' ? 'Delete' : 'Reboot';
  const pods = state.left.map(nameOf);
  return {
    phase: 'Draining',
    verdict: timedOut(state),
    drain: state,
    step: { kind: 'escalate', nodeReboot, attempt, escalation, pods, now: snapshot.now },
  };
}

/** How far the drain of the node is; null while its pods have not been read. */
export function drainOf({ snapshot, node, rules, timers, attempt }: LiveContext): DrainState | null {
  const pods = snapshot.answers.pods.get(node.name);
  if (pods === undefined) return null;
  const spared = rules.allowLastNode ? snapshot.self : null;
  const kind = attempt.escalation?.kind === 'Delete' ? 'deletePods' : 'evict';
  const context = { rules: rules.drain, daemonSets: snapshot.daemonSets, spared, timers, kind } as const;
  return drainState(pods, context, snapshot.evictions, snapshot.mono);
}

export function reading({ node }: LiveContext, phase: Phase): Progress {
  const asks: Ask[] = [{ kind: 'pods', node: node.name, fresh: false }];
  return { phase, verdict: { code: 'ReadingPods', message: "The node's pods are being read." }, asks };
}

export function refused({ refused: pods }: DrainState): Verdict {
  return { code: 'DrainRefused', message: `The policy does not allow to evict: ${pods.slice(0, 5).join('; ')}` };
}

function timedOut({ left, waitingFor }: DrainState): Verdict {
  const pods = waitingFor.length > 0 ? waitingFor : left.map((pod) => `${nameOf(pod)} is terminating`);
  return { code: 'DrainTimedOut', message: `The drain did not end in time: ${pods.slice(0, 5).join('; ')}` };
}

const NOT_READABLE: Verdict = {
  code: 'NotReadable',
  message: "The node's pods could not be read. The controller's log says why.",
};
