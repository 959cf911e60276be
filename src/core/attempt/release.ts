import { ANNOTATIONS } from '../../api/names.ts';
import type { NodeReboot } from '../model.ts';
import { mayRebootLate } from '../queue/failures.ts';
import { isMarked } from './cordon.ts';
import { freedOnceRead, recorded } from './finish.ts';
import type { AttemptContext, Progress } from './progress.ts';

/** The end of an attempt that a person has released. */
export const RELEASED = 'Released';
const MESSAGE =
  'A person has released the attempt. The node was left cordoned, and a late reboot of it is still possible: look after it, then uncordon it.';

/**
 * The next move of an attempt that a person has given up although its reboot was accepted. The slot is freed and the
 * node is left cordoned: its cordon is then a person's, and Drydock never lifts it. The node itself remembers in which
 * boot the reboot may still come, since a NodeReboot may be deleted and made anew.
 */
export function released(context: AttemptContext): Progress {
  const { slot, node } = context;
  const mayBeLate = node.bootID === slot.fromBootID && !mayRebootLate(node);
  if (isMarked(node) || mayBeLate) {
    return { ...ENDING, step: { kind: 'releaseNode', node, attemptID: slot.attemptID, boot: slot.fromBootID } };
  }
  const history = recorded(context, { outcome: 'Failed', code: RELEASED, message: MESSAGE });
  return { ...ENDING, ...(history === null ? freedOnceRead(context, MESSAGE) : { step: history }) };
}

/** Whether the attempt has been marked as released: nothing that happens later undoes that. */
export function isReleased({ attempt }: AttemptContext): boolean {
  return attempt?.ending?.code === RELEASED;
}

/** What a person's wish to release leads to; null where there is none, and for an attempt that has not failed. */
export function release(context: AttemptContext): Progress | null {
  const { slot, nodeReboot, attempt } = context;
  if (nodeReboot === undefined || releaseOf(nodeReboot) !== slot.attemptID) return null;
  if (attempt === undefined) return released(context);
  if (attempt.failure === undefined) return null;
  return { ...ENDING, step: { kind: 'endAttempt', nodeReboot, attempt, code: RELEASED, message: MESSAGE } };
}

const ENDING = { phase: 'Uncordoning', verdict: { code: RELEASED, message: MESSAGE } } as const;

/** The attempt that a person wants to give up, by annotation. */
export function releaseOf({ metadata }: NodeReboot): string | undefined {
  return metadata.annotations?.[ANNOTATIONS.release];
}
