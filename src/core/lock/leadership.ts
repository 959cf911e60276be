import { nodeEpoch } from '../attempt/cordon.ts';
import type { LockHold, LockState, Slot, Snapshot, Verdict } from '../model.ts';
import type { Step } from '../steps.ts';
import type { Timers } from '../timers.ts';

/** A new leadership's first write of the lock: its epoch, and the slots as they are or as they could be rebuilt. */
export interface Claim {
  epoch: number;
  slots: readonly Slot[];
  why: string;
}

/**
 * 1 + the highest epoch that any leadership may have had. Each writes its own to the lock before it writes it anywhere
 * else, so the lock knows; what Nodes and NodeReboots say, which others may write, is asked only where there is no lock.
 */
export function nextEpoch({ lock, nodes, nodeReboots, epoch }: Snapshot): number {
  const known = Math.max(epoch ?? 0, lock.kind === 'ok' ? lock.epoch : 0);
  if (lock.kind === 'ok') return known + 1;
  const onNodes = [...nodes.values()].map(nodeEpoch);
  const inAttempts = [...nodeReboots.values()].map(({ spec }) => spec.attempt?.epoch ?? 0);
  return Math.max(known, ...onNodes, ...inAttempts) + 1;
}

/**
 * Whether the lock has to be claimed before anything is done: by a leadership that has no epoch yet, or because the
 * lock is gone or cannot be read. A missing lock is not an empty one: it is rebuilt from what Nodes and NodeReboots say.
 */
export function claimOf(snapshot: Snapshot): Claim | null {
  const { lock, epoch } = snapshot;
  if (lock.kind === 'newer') return null;
  if (lock.kind === 'ok') {
    return epoch === null ? { epoch: nextEpoch(snapshot), slots: lock.slots, why: 'a new leadership' } : null;
  }
  const why = lock.kind === 'missing' ? 'the lock is missing' : `the lock cannot be read: ${lock.why}`;
  return { epoch: nextEpoch(snapshot), slots: rebuiltSlots(snapshot), why };
}

/** Whether somebody else leads: the lock has an epoch above ours. */
export function isOutranked({ lock, epoch }: Snapshot): boolean {
  return epoch !== null && lock.kind === 'ok' && lock.epoch > epoch;
}

/**
 * What a new leadership writes to everything in flight before it acts, so that no older one can write any more: the Node
 * of every slot that it found, and its NodeReboot if that still carries the attempt.
 */
export function adoptionSteps(snapshot: Snapshot, slots: readonly Slot[], epoch: number): Step[] {
  const inherited = slots.filter(({ attemptID }) => snapshot.inherited.has(attemptID));
  return inherited.flatMap((slot): Step[] => {
    const node = snapshot.nodes.get(slot.node);
    if (node !== undefined && node.uid === slot.nodeUID && nodeEpoch(node) !== epoch) {
      return [{ kind: 'adoptNode', node, epoch }];
    }
    const nodeReboot = snapshot.nodeReboots.get(slot.node);
    const attempt = nodeReboot?.spec.attempt;
    if (nodeReboot === undefined || attempt?.id !== slot.attemptID || attempt.epoch === epoch) return [];
    return [{ kind: 'adoptAttempt', nodeReboot, attempt, epoch }];
  });
}

/** The lock held from outside: until its `renewTime` has not changed for its duration, on our monotonic clock. */
export function heldFromOutside(lock: LockState, timers: Timers): Verdict | null {
  const hold: LockHold | null = lock.kind === 'ok' ? lock.hold : null;
  if (hold === null) return null;
  if (timers.expired(`hold/${hold.holder}/${hold.renewTime}`, hold.durationSeconds * 1000)) return null;
  return { code: 'LockHeld', message: `The cluster lock is held by ${hold.holder}.` };
}

function rebuiltSlots({ nodes, nodeReboots }: Snapshot): Slot[] {
  const slots: Slot[] = [];
  for (const node of nodes.values()) {
    const nodeReboot = nodeReboots.get(node.name);
    const attempt = nodeReboot?.spec.attempt;
    const current = nodeReboot?.spec.nodeUID === node.uid ? attempt : undefined;
    const attemptID = current?.id || node.annotations['drydock.dev/cordon'];
    if (!attemptID) continue;
    const reboot = nodeReboot?.spec.reboot;
    const request = reboot?.attemptID === attemptID ? reboot : undefined;
    slots.push({
      node: node.name,
      nodeUID: node.uid,
      policyUID: current?.policy.uid || 'unknown',
      attemptID,
      fromBootID: request?.fromBootID || node.bootID || 'unknown',
      requested: request?.nodeRebootUID ?? '',
    });
  }
  return slots;
}
