import type { NodeRebootSpec, NodeRebootStatus } from '../api/generated/nodereboot.ts';
import type { Pod } from '../api/objects.ts';
import type { NodeReboot, NodeView, RebootPolicy, Slot } from './model.ts';

export type Attempt = NonNullable<NodeRebootSpec['attempt']>;
export type RebootRequest = NonNullable<NodeRebootSpec['reboot']>;
export type Grant = NonNullable<NodeRebootSpec['grant']>;
type Escalation = NonNullable<Attempt['escalation']>;
export type HistoryEntry = NonNullable<NodeRebootStatus['history']>[number];
export type Backoff = NonNullable<NodeRebootStatus['backoff']>;
export type Phase = NonNullable<NodeRebootStatus['phase']>;

/** A change of the cluster lock. All edits of one decision are written by one compare-and-swap. */
export type LockEdit =
  | { kind: 'take'; slot: Slot }
  | { kind: 'mark'; attemptID: string; nodeRebootUID: string }
  | { kind: 'unmark'; attemptID: string }
  | { kind: 'free'; attemptID: string; why: string };

/**
 * One effect on the cluster. Every write of a Node or a NodeReboot carries the resourceVersion of the object given
 * here, so that it happens only if nothing has changed since the decision; doing it twice is refused.
 */
export type Step =
  | { kind: 'createNodeReboot'; node: NodeView }
  | { kind: 'deleteNodeReboot'; nodeReboot: NodeReboot; why: string }
  | { kind: 'adoptAttempt'; nodeReboot: NodeReboot; attempt: Attempt; epoch: number }
  | { kind: 'adoptNode'; node: NodeView; epoch: number }
  /** Writes `spec.attempt` and `spec.prepare`. */
  | { kind: 'beginAttempt'; nodeReboot: NodeReboot; attempt: Attempt }
  | { kind: 'cordon'; node: NodeView; attemptID: string; epoch: number }
  | { kind: 'evict'; node: NodeView; attemptID: string; pods: readonly Pod[]; gracePeriodSeconds: number | null }
  /** Writes `spec.reboot`. */
  | { kind: 'request'; nodeReboot: NodeReboot; request: RebootRequest }
  /** Writes down that the drain's deadline has passed and what the policy wants of it. */
  | {
      kind: 'escalate';
      nodeReboot: NodeReboot;
      attempt: Attempt;
      escalation: Escalation['kind'];
      pods: readonly string[];
      now: number;
    }
  /** Deletes pods, past their PodDisruptionBudgets. */
  | { kind: 'deletePods'; node: NodeView; attemptID: string; pods: readonly Pod[]; gracePeriodSeconds: number | null }
  /** Writes down that an accepted attempt has failed; its slot and its cordon stay. */
  | { kind: 'failAttempt'; nodeReboot: NodeReboot; attempt: Attempt; code: string; message: string; now: number }
  /** Takes the annotations `approve` and `reboot-now` off and writes `spec.grant`, in one patch. */
  | { kind: 'grant'; nodeReboot: NodeReboot; grant: Grant; reason: string }
  | { kind: 'dropGrant'; nodeReboot: NodeReboot }
  /** Takes off an annotation `release` that names no attempt which could be released. */
  | { kind: 'dropRelease'; nodeReboot: NodeReboot }
  /** Adds or removes the finalizer of a policy. */
  | { kind: 'guardPolicy'; policy: RebootPolicy; guarded: boolean }
  | { kind: 'haltPolicy'; policy: RebootPolicy; attempts: readonly string[]; message: string }
  /** Takes `halted` and `resume` off and writes which failures the person knew of, in one patch. */
  | { kind: 'resumePolicy'; policy: RebootPolicy; acknowledged: readonly string[]; reason: string }
  /** Withdraws the request, if any, and marks the attempt as ending, in one patch; so ends a release as well. */
  | { kind: 'endAttempt'; nodeReboot: NodeReboot; attempt: Attempt; code: string; message: string }
  /** Takes everything of ours off the Node; makes it schedulable only if the cordon is ours. */
  | { kind: 'restoreNode'; node: NodeView; uncordon: boolean; attemptID: string }
  /** Takes our marks off the Node, leaves it cordoned, and notes the boot in which the released attempt may still reboot it. */
  | { kind: 'releaseNode'; node: NodeView; attemptID: string; boot: string }
  | { kind: 'recordHistory'; nodeReboot: NodeReboot; entry: HistoryEntry; backoff: Backoff | null }
  /** Clears `attempt`, `prepare` and `reboot` in one patch; a grant lapses by itself with the boot. */
  | { kind: 'clearAttempt'; nodeReboot: NodeReboot; attemptID: string };

/** A step that writes one object. */
export type ObjectStep = Exclude<Step, { kind: 'evict' | 'deletePods' }>;
/** A step that moves pods off a node. */
export type PodStep = Extract<Step, { kind: 'evict' | 'deletePods' }>;

/** The node that a step is about; undefined for a step about a policy. */
export function nodeOf(step: Step): string | undefined {
  if ('node' in step) return step.node.name;
  return 'nodeReboot' in step ? step.nodeReboot.metadata.name : undefined;
}

/** The slots after some edits. */
export function applyEdits(slots: readonly Slot[], edits: readonly LockEdit[]): readonly Slot[] {
  return edits.reduce(applyEdit, slots);
}

function applyEdit(slots: readonly Slot[], edit: LockEdit): readonly Slot[] {
  switch (edit.kind) {
    case 'take':
      return [...slots, edit.slot];
    case 'free':
      return slots.filter((slot) => slot.attemptID !== edit.attemptID);
    case 'mark':
      return slots.map((slot) =>
        slot.attemptID === edit.attemptID ? { ...slot, requested: edit.nodeRebootUID } : slot,
      );
    case 'unmark':
      return slots.map((slot) => (slot.attemptID === edit.attemptID ? { ...slot, requested: '' } : slot));
  }
}
