import { ANNOTATIONS, CONTROLLER_MANAGER } from '../../api/names.ts';
import type { NodeView } from '../model.ts';

/**
 * Whose cordon a node carries:
 * - `none`: it is schedulable and carries no mark of ours
 * - `ours`: our annotation names an attempt and our field manager alone owns `spec.unschedulable`
 * - `lifted`: our annotation is there, but somebody made the node schedulable
 * - `taken`: our annotation is there, but somebody else has set `spec.unschedulable` since
 * - `foreign`: somebody else cordoned the node
 */
export type Cordon = { whose: 'none' | 'foreign' } | { whose: 'ours' | 'lifted' | 'taken'; attemptID: string };

export function cordonOf(node: NodeView): Cordon {
  const attemptID = node.annotations[ANNOTATIONS.cordon];
  if (attemptID === undefined) return { whose: node.unschedulable ? 'foreign' : 'none' };
  if (!node.unschedulable) return { whose: 'lifted', attemptID };
  const managers = node.unschedulableManagers;
  const ours = managers.length === 1 && managers[0] === CONTROLLER_MANAGER;
  return { whose: ours ? 'ours' : 'taken', attemptID };
}

/** Whether the node carries anything that we wrote and that has to go when its attempt ends. */
export function isMarked(node: NodeView): boolean {
  return node.annotations[ANNOTATIONS.cordon] !== undefined || node.annotations[ANNOTATIONS.epoch] !== undefined;
}

/** No cluster comes near it; beyond it somebody has written nonsense, which must not use the numbers up. */
const MAX_EPOCH = 1_000_000_000_000;

/** The epoch written on the node; 0 where there is none or it cannot be read. */
export function nodeEpoch(node: NodeView): number {
  const epoch = Number(node.annotations[ANNOTATIONS.epoch] ?? 0);
  return Number.isSafeInteger(epoch) && epoch > 0 && epoch <= MAX_EPOCH ? epoch : 0;
}
