import type { Ask, NodeReboot, NodeView, RebootPolicy, Slot, Snapshot, Verdict } from '../model.ts';
import type { Rules } from '../policy/rules.ts';
import type { Attempt, LockEdit, Phase, Step } from '../steps.ts';
import type { Timers } from '../timers.ts';
import type { Cordon } from './cordon.ts';
import type { DrainState } from './drain.ts';

/** Where one attempt stands, and what is to be done about it now: at most one edit of the lock and one step. */
export interface Progress {
  phase: Phase;
  verdict: Verdict;
  asks?: readonly Ask[];
  lockEdit?: LockEdit;
  step?: Step;
  /** The step may be taken only after the lock edit has landed. */
  stepAfterLock?: boolean;
  drain?: DrainState;
}

/** Whether an attempt is on its way: a Failed one waits for a person, or for the node to come back. */
export function isMoving(progress: Progress | undefined): boolean {
  return progress !== undefined && progress.phase !== 'Failed';
}

/** One attempt with everything that its next move is decided from. */
export interface AttemptContext {
  snapshot: Snapshot;
  timers: Timers;
  slot: Slot;
  node: NodeView;
  nodeReboot: NodeReboot | undefined;
  /** The attempt as the NodeReboot carries it; undefined before it was written, after it was cleared, and when the NodeReboot was replaced. */
  attempt: Attempt | undefined;
  cordon: Cordon;
  /** The policy as it is now, if it still is. */
  policy: RebootPolicy | undefined;
  /** The UID of the policy that owns the node now; undefined if none does. */
  owner: string | undefined;
  /** Why that policy has halted; null if it has not. */
  halted: Verdict | null;
  epoch: number;
}

/** An attempt that goes on: its NodeReboot carries it and asks its agent. */
export interface LiveContext extends AttemptContext {
  nodeReboot: NodeReboot;
  attempt: Attempt;
  rules: Rules;
}

/** Gives an attempt up: from then on it goes only to its end. */
export function end(
  { nodeReboot, attempt }: Pick<LiveContext, 'nodeReboot' | 'attempt'>,
  { code, message }: Verdict,
): Progress {
  return {
    phase: 'Uncordoning',
    verdict: { code, message },
    step: { kind: 'endAttempt', nodeReboot, attempt, code, message },
  };
}
