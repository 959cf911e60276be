import { ANNOTATIONS, LOCK_FORMAT, MAX_SLOTS } from '../../api/names.ts';
import type { Lease } from '../../api/objects.ts';
import type { LockHold, LockState, Slot } from '../model.ts';

/** Reads the lock from its Lease. What cannot be read is said to be unreadable, never taken for an empty lock. */
export function readLock(lease: Lease | undefined): LockState {
  if (lease === undefined) return { kind: 'missing' };
  const annotations = lease.metadata.annotations ?? {};
  const { resourceVersion } = lease.metadata;
  const unreadable = (why: string): LockState => ({ kind: 'unreadable', resourceVersion, why });
  const format = annotations[ANNOTATIONS.format];
  if (format === undefined) return unreadable(`it has no annotation ${ANNOTATIONS.format}`);
  if (!/^[1-9]\d{0,8}$/.test(format)) return unreadable(`its annotation ${ANNOTATIONS.format} is not a number`);
  if (Number(format) > LOCK_FORMAT) return { kind: 'newer', format };
  const epoch = annotations[ANNOTATIONS.epoch];
  if (epoch === undefined || !/^\d{1,15}$/.test(epoch)) {
    return unreadable(`its annotation ${ANNOTATIONS.epoch} is missing or not a number`);
  }
  const slots = readSlots(annotations[ANNOTATIONS.slots]);
  if (typeof slots === 'string') return unreadable(slots);
  return { kind: 'ok', resourceVersion, epoch: Number(epoch), slots, hold: readHold(lease) };
}

/** The slots of a lock that was read; none of one that was not, which allows nothing to start anyway. */
export function slotsOf(lock: LockState): readonly Slot[] {
  return lock.kind === 'ok' ? lock.slots : [];
}

/** The annotations that hold an epoch and slots. Only these are ever written to the Lease. */
export function lockAnnotations(epoch: number, slots: readonly Slot[]): Record<string, string> {
  return {
    [ANNOTATIONS.format]: String(LOCK_FORMAT),
    [ANNOTATIONS.epoch]: String(epoch),
    [ANNOTATIONS.slots]: JSON.stringify(slots),
  };
}

function readSlots(text: string | undefined): readonly Slot[] | string {
  if (text === undefined) return `it has no annotation ${ANNOTATIONS.slots}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `its annotation ${ANNOTATIONS.slots} is not JSON`;
  }
  if (!Array.isArray(value)) return `its annotation ${ANNOTATIONS.slots} is not a list`;
  if (value.length > MAX_SLOTS) return `it has more than ${MAX_SLOTS} slots`;
  if (!value.every(isSlot)) return 'one of its slots is incomplete';
  if (new Set(value.map((slot) => slot.node)).size !== value.length) return 'two of its slots name the same node';
  return value;
}

function isSlot(value: unknown): value is Slot {
  if (typeof value !== 'object' || value === null) return false;
  const slot = value as Partial<Record<keyof Slot, unknown>>;
  const filled = ['node', 'nodeUID', 'policyUID', 'attemptID', 'fromBootID'] as const;
  return filled.every((key) => typeof slot[key] === 'string' && slot[key] !== '') && typeof slot.requested === 'string';
}

function readHold({ spec }: Lease): LockHold | null {
  if (!spec?.holderIdentity) return null;
  return {
    holder: spec.holderIdentity,
    renewTime: spec.renewTime ?? '',
    durationSeconds: spec.leaseDurationSeconds ?? 0,
  };
}
