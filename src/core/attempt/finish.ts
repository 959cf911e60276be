import type { Ask, NodeReboot } from '../model.ts';
import { backoffAfter } from '../queue/backoff.ts';
import type { HistoryEntry, LockEdit, Step } from '../steps.ts';
import { isMarked } from './cordon.ts';
import type { AttemptContext } from './progress.ts';

/** How an attempt ended. */
export type Ending = Pick<HistoryEntry, 'outcome' | 'code' | 'message'>;

/** How many ended attempts a NodeReboot remembers. */
const HISTORY_LENGTH = 10;

/**
 * The next move of an attempt that is over, in this order: the mark in the lock is taken off (unless the node has
 * rebooted or may still), the node is put back, history is written, the NodeReboot is cleared, the slot is freed.
 * Each is told from what the cluster says, so that a crash between any two loses nothing.
 */
export function endOf(
  context: AttemptContext,
  ending: Ending,
): { step: Step } | { lockEdit: LockEdit } | { asks: readonly Ask[] } {
  const { slot, node, cordon, nodeReboot, attempt } = context;
  if (nodeReboot !== undefined && attempt === undefined && asksSomething(nodeReboot)) {
    return { step: { kind: 'clearAttempt', nodeReboot, attemptID: slot.attemptID } };
  }
  if (ending.outcome === 'Interrupted' && slot.requested !== '') {
    return { lockEdit: { kind: 'unmark', attemptID: slot.attemptID } };
  }
  if (isMarked(node)) {
    return { step: { kind: 'restoreNode', node, uncordon: cordon.whose === 'ours', attemptID: slot.attemptID } };
  }
  if (nodeReboot !== undefined && attempt !== undefined) {
    if (nodeReboot.status?.history?.[0]?.attemptID !== slot.attemptID) {
      return { step: { kind: 'recordHistory', nodeReboot, ...remembered(context, ending) } };
    }
    return { step: { kind: 'clearAttempt', nodeReboot, attemptID: slot.attemptID } };
  }
  // A cordon whose answer was lost may not have come by the watch yet, and a slot must not be freed over it.
  const { nodesFresh, nodeFresh } = context.snapshot.answers;
  if (!nodesFresh && !nodeFresh.has(node.name)) return { asks: [{ kind: 'node', node: node.name }] };
  return { lockEdit: { kind: 'free', attemptID: slot.attemptID, why: ending.message } };
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
    startedAt: attempt?.startedAt ?? new Date(snapshot.now).toISOString(),
    endedAt: new Date(snapshot.now).toISOString(),
    fromBootID: slot.fromBootID,
    toBootID: node.bootID,
    reasons: attempt?.reasons ?? [],
  };
  const before = nodeReboot?.status?.backoff;
  return { entry, backoff: backoffAfter(before, ending, snapshot.now, snapshot.jitter) };
}
