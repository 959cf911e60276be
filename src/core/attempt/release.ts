import { ANNOTATIONS } from '../../api/names.ts';
import type { NodeReboot, Verdict } from '../model.ts';
import { mayRebootLate } from '../queue/failures.ts';
import { isMarked } from './cordon.ts';
import { freedOnceRead, recorded } from './finish.ts';
import { type AttemptContext, end, type Progress } from './progress.ts';

/** The end of an attempt that a person has released. */
export const RELEASED = 'Released';
const LATE =
  'A person has released the attempt. The node was left cordoned, and a late reboot of it is still possible: look after it, then uncordon it.';
const UNWELL =
  'A person has released the attempt. The node has rebooted and was left cordoned: look after it, then uncordon it.';

/**
 * The next move of an attempt that a person has given up although its reboot was accepted. The slot is freed and the
 * node is left cordoned: its cordon is then a person's, and Drydock never lifts it. The node itself remembers in which
 * boot the reboot may still come, since a NodeReboot may be deleted and made anew.
 */
export function released(context: AttemptContext): Progress {
  const { slot, node } = context;
  const verdict = verdictOf(context);
  const progress = { phase: 'Uncordoning', verdict } as const;
  const mayBeLate = node.bootID === slot.fromBootID && !mayRebootLate(node);
  if (isMarked(node) || mayBeLate) {
    return { ...progress, step: { kind: 'releaseNode', node, attemptID: slot.attemptID, boot: slot.fromBootID } };
  }
  const history = recorded(context, { outcome: 'Failed', ...verdict });
  return { ...progress, ...(history === null ? freedOnceRead(context, verdict.message) : { step: history }) };
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
  return end({ nodeReboot, attempt }, verdictOf(context));
}

function verdictOf({ node, slot }: AttemptContext): Verdict {
  return { code: RELEASED, message: node.bootID === slot.fromBootID ? LATE : UNWELL };
}

/** The attempt that a person wants to give up, by annotation. */
export function releaseOf({ metadata }: NodeReboot): string | undefined {
  return metadata.annotations?.[ANNOTATIONS.release];
}
