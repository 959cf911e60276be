import { ANNOTATIONS } from '../../api/names.ts';
import type { NodeReboot } from '../model.ts';
import { isMarked } from './cordon.ts';
import { freedOnceRead, recorded } from './finish.ts';
import type { AttemptContext, Progress } from './progress.ts';

/** The end of an attempt that a person has released. */
export const RELEASED = 'Released';
const MESSAGE =
  'A person has released the attempt. The node was left cordoned, and a late reboot of it is still possible: look after it, then uncordon it.';

/**
 * The next move of an attempt that a person has given up although its reboot was accepted; null when nobody has. Only a
 * Failed one is given up, or one whose record is lost. The slot is freed and the node is left cordoned: its cordon
 * is then a person's, and Drydock never lifts it.
 */
export function release(context: AttemptContext): Progress | null {
  const { slot, node, nodeReboot, attempt } = context;
  const ending = attempt?.ending?.code === RELEASED;
  const wanted = nodeReboot !== undefined && releaseOf(nodeReboot) === slot.attemptID;
  if (!ending && (!wanted || (attempt !== undefined && attempt.failure === undefined))) return null;
  const progress = { phase: 'Uncordoning', verdict: { code: RELEASED, message: MESSAGE } } as const;
  if (nodeReboot !== undefined && attempt !== undefined && !ending) {
    return { ...progress, step: { kind: 'endAttempt', nodeReboot, attempt, code: RELEASED, message: MESSAGE } };
  }
  if (isMarked(node)) {
    return { ...progress, step: { kind: 'restoreNode', node, uncordon: false, attemptID: slot.attemptID } };
  }
  const how = { outcome: 'Failed', code: RELEASED, message: MESSAGE } as const;
  const history = recorded(context, how);
  return { ...progress, ...(history === null ? freedOnceRead(context, MESSAGE) : { step: history }) };
}

/** The attempt that a person wants to give up, by annotation. */
export function releaseOf({ metadata }: NodeReboot): string | undefined {
  return metadata.annotations?.[ANNOTATIONS.release];
}
