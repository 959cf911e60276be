import type { NodeRebootStatus } from '../../api/generated/nodereboot.ts';
import type { Condition } from '../../api/objects.ts';
import { withEntry } from '../attempt/finish.ts';
import type { Progress } from '../attempt/progress.ts';
import type { Plan } from '../decide.ts';
import type { NodeReboot, Verdict } from '../model.ts';
import { nameOf } from '../pod.ts';
import { NOT_REQUIRED, type Waiting } from '../queue/queue.ts';
import { isRequired } from '../queue/required.ts';
import type { HistoryEntry, Phase } from '../steps.ts';
import { mergeConditions } from './conditions.ts';
import { stepConditions } from './stepConditions.ts';
import { cut, LONGEST_MESSAGE } from './text.ts';

/** What people read of a NodeReboot, as a merge patch of its status: `null` removes a field. */
export interface NodeRebootView {
  phase: Phase;
  verdict: {
    code: string;
    message: string;
    nextCheck: string | null;
    blockers: { code: string; message: string }[] | null;
  };
  conditions: Condition[];
  drain: NodeRebootStatus['drain'] | null;
}

/** The status of a NodeReboot as it should be; null when the decision says nothing of its node. */
export function nodeRebootView(nodeReboot: NodeReboot, plan: Plan, now: number): NodeRebootView | null {
  const { name } = nodeReboot.metadata;
  const progress = plan.inFlight.get(name);
  const before = nodeReboot.status?.conditions ?? [];
  const conditions = mergeConditions(before, stepConditions(nodeReboot, progress), now);
  if (progress !== undefined) {
    return {
      phase: progress.phase,
      verdict: verdictOf([progress.verdict]),
      conditions,
      drain: drainOf(progress),
    };
  }
  const waiting = plan.waiting.get(name);
  if (waiting === undefined) return null;
  return { phase: phaseOf(waiting), verdict: verdictOf(waiting.blockers), conditions, drain: null };
}

/**
 * What people read of a node that has been rebooted and handed back, with the history that says so: known before the slot
 * is freed, it saves a write. Null where there is more to say.
 */
export function closingView(nodeReboot: NodeReboot, entry: HistoryEntry): NodeRebootView | null {
  if (entry.outcome !== 'Rebooted' || isRequired(nodeReboot)) return null;
  const { attempt: _, ...spec } = nodeReboot.spec;
  const status = { ...nodeReboot.status, history: withEntry(nodeReboot.status?.history, entry) };
  const said = stepConditions({ ...nodeReboot, spec, status }, undefined);
  const conditions = mergeConditions(nodeReboot.status?.conditions ?? [], said, Date.parse(entry.endedAt));
  return { phase: 'Idle', verdict: verdictOf([NOT_REQUIRED]), conditions, drain: null };
}

export function phaseOf({ required, blockers }: Waiting): 'Idle' | 'Pending' | 'Failed' {
  if (!required) return 'Idle';
  return blockers.some(({ code }) => FAILED.has(code)) ? 'Failed' : 'Pending';
}

/** What needs a person before the node goes on. */
const FAILED = new Set(['SentinelPersists', 'Released']);

function verdictOf(blockers: readonly Verdict[]): NodeRebootView['verdict'] {
  const [first] = blockers;
  const { code, message, nextCheck } = first ?? { code: 'Unknown', message: 'Nothing is known.' };
  const all = blockers
    .slice(0, 16)
    .map((blocker) => ({ code: blocker.code, message: cut(blocker.message, LONGEST_MESSAGE) }));
  return {
    code,
    message: cut(message, LONGEST_MESSAGE),
    nextCheck: nextCheck === undefined ? null : new Date(nextCheck).toISOString(),
    blockers: all.length < 2 ? null : all,
  };
}

function drainOf({ drain }: Progress): NodeRebootView['drain'] {
  if (drain === undefined) return null;
  const podsLeft = drain.left.length;
  const stuck =
    drain.waitingFor.length > 0 ? drain.waitingFor : drain.left.slice(0, 3).map((pod) => `${nameOf(pod)}: terminating`);
  return { podsLeft, waitingFor: stuck.slice(0, 16).map((text) => cut(text, 1024)) };
}
