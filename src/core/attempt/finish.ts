import type { Ask, NodeReboot } from '../model.ts';
import { DEFAULTS, frozenRules } from '../policy/rules.ts';
import { backoffAfter } from '../queue/backoff.ts';
import type { HistoryEntry, LockEdit, Step } from '../steps.ts';
import { isMarked } from './cordon.ts';
import type { AttemptContext } from './progress.ts';

/** How an attempt ended. */
export type Ending = Pick<HistoryEntry, 'outcome' | 'code' | 'message'>;

/** How many ended attempts a NodeReboot remembers. */
const HISTORY_LENGTH = 10;

/** What ends an attempt before its reboot was accepted and yet counts as a failure of the node. */
const FAILURES = new Set(['NotAccepted']);

/** How an attempt ends that was given up before its reboot was accepted. */
export function endingOf({ code, message }: { code: string; message: string }): Ending {
  return { outcome: FAILURES.has(code) ? 'Failed' : 'Interrupted', code, message };
}

/**
 * The next move of an attempt that is over, in this order: the mark in the lock is taken off (unless the node has
 * rebooted or may still), the node is put back, history is written, the NodeReboot is cleared, the slot is freed.
 * Each is told from what the cluster says, so that a crash between any two loses nothing.
 *
 * @param withdrawn whether the reboot was given up before the agent accepted it
 */
export function endOf(
  context: AttemptContext,
  ending: Ending,
  withdrawn: boolean,
): { step: Step } | { lockEdit: LockEdit } | { asks: readonly Ask[] } {
  const { slot, node, cordon, nodeReboot, attempt } = context;
  if (nodeReboot !== undefined && attempt === undefined && asksSomething(nodeReboot)) {
    return { step: { kind: 'clearAttempt', nodeReboot, attemptID: slot.attemptID } };
  }
  if (withdrawn && slot.requested !== '') {
    return { lockEdit: { kind: 'unmark', attemptID: slot.attemptID } };
  }
  if (isMarked(node)) {
    return { step: { kind: 'restoreNode', node, uncordon: cordon.whose === 'ours', attemptID: slot.attemptID } };
  }
  const history = recorded(context, ending);
  if (history !== null) return { step: history };
  if (nodeReboot !== undefined && attempt !== undefined) {
    return { step: { kind: 'clearAttempt', nodeReboot, attemptID: slot.attemptID } };
  }
  return freedOnceRead(context, ending.message);
}

/** Writes the attempt into the history of its NodeReboot; null when it is there, or cannot be any more. */
export function recorded(context: AttemptContext, ending: Ending): Step | null {
  const { slot, nodeReboot, attempt } = context;
  if (nodeReboot === undefined || attempt === undefined) return null;
  if (nodeReboot.status?.history?.[0]?.attemptID === slot.attemptID) return null;
  return { kind: 'recordHistory', nodeReboot, ...remembered(context, ending) };
}

/**
 * A cordon whose answer was lost may not have come by the watch yet, and a slot must not be freed over it: the Node is
 * read first, unless this leadership's own write has just put it back.
 */
export function freedOnceRead(
  { snapshot, node, slot }: AttemptContext,
  why: string,
): { lockEdit: LockEdit } | { asks: readonly Ask[] } {
  const { nodesFresh, nodeFresh } = snapshot.answers;
  const known = nodesFresh || nodeFresh.has(node.name) || snapshot.restored.has(slot.attemptID);
  if (!known) return { asks: [{ kind: 'node', node: node.name }] };
  return { lockEdit: { kind: 'free', attemptID: slot.attemptID, why } };
}

/** Whether a NodeReboot still asks something of its agent, or carries an attempt. */
export function asksSomething({ spec }: NodeReboot): boolean {
  return spec.attempt !== undefined || spec.prepare !== undefined || spec.reboot !== undefined;
}

/** A NodeReboot's history with one more entry, newest first. */
export function withEntry(history: readonly HistoryEntry[] | undefined, entry: HistoryEntry): HistoryEntry[] {
  return [entry, ...(history ?? [])].slice(0, HISTORY_LENGTH);
}

function remembered({ snapshot, nodeReboot, attempt, slot, node }: AttemptContext, ending: Ending) {
  const entry: HistoryEntry = {
    ...ending,
    attemptID: slot.attemptID,
    policy: attempt?.policy.name ?? '',
    trigger: attempt?.trigger ?? 'Sentinel',
    ...(attempt?.failure === undefined ? {} : { healed: ending.outcome === 'Rebooted' }),
    startedAt: attempt?.startedAt ?? new Date(snapshot.now).toISOString(),
    endedAt: new Date(snapshot.now).toISOString(),
    fromBootID: slot.fromBootID,
    toBootID: node.bootID,
    reasons: attempt?.reasons ?? [],
  };
  const before = nodeReboot?.status?.backoff;
  const rules = (attempt && frozenRules(attempt)) ?? DEFAULTS;
  return { entry, backoff: backoffAfter(before, ending, rules.backoff, snapshot.now, snapshot.jitter) };
}
