import { ANNOTATIONS } from '../../api/names.ts';
import { cordonOf, isMarked } from '../attempt/cordon.ts';
import { asksSomething } from '../attempt/finish.ts';
import type { Ask, NodeReboot, NodeView, Slot, Snapshot } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import type { LockEdit, Step } from '../steps.ts';

type Retake = Extract<LockEdit, { kind: 'take' }>;

/** What is put in order whatever else is decided: one step a node. */
export interface Upkeep {
  steps: readonly Step[];
  lockEdits: readonly LockEdit[];
  asks: readonly Ask[];
}

/**
 * Keeps one NodeReboot for every selected node, bound to the node's UID, and none for nodes that are gone; undoes what
 * was left without a slot: by a crash between two writes, by a write of a deposed leader that landed late, by people
 * who edit or restore objects.
 */
export function upkeepOf(snapshot: Snapshot, policies: readonly ReadPolicy[], slots: readonly Slot[]): Upkeep {
  const selected = new Set(policies.flatMap(({ nodes }) => nodes.map(({ name }) => name)));
  const steps: Step[] = [];
  const lockEdits: LockEdit[] = [];
  for (const node of snapshot.nodes.values()) {
    const nodeReboot = snapshot.nodeReboots.get(node.name);
    const inFlight = slots.some((slot) => slot.node === node.name && slot.nodeUID === node.uid);
    const found = inFlight
      ? membership(node, nodeReboot, true)
      : (tidy(node, nodeReboot) ?? membership(node, nodeReboot, selected.has(node.name)));
    if (found?.kind === 'take') lockEdits.push(found);
    else if (found !== null) steps.push(found);
  }
  steps.push(...orphans(snapshot));
  const gone = slots.filter(({ node, nodeUID }) => snapshot.nodes.get(node)?.uid !== nodeUID);
  const proven = gone.filter(({ node }) => isFresh(snapshot, node));
  lockEdits.push(...proven.map(freed));
  const asks = gone.filter((slot) => !proven.includes(slot)).map(({ node }): Ask => ({ kind: 'node', node }));
  return { steps, lockEdits, asks };
}

/** Garbage collection would take them too, but only after a while. */
function orphans({ nodes, nodeReboots }: Snapshot): Step[] {
  const gone = [...nodeReboots].filter(
    ([name, { metadata }]) => !nodes.has(name) && metadata.deletionTimestamp === undefined,
  );
  return gone.map(([, nodeReboot]) => ({ kind: 'deleteNodeReboot', nodeReboot, why: 'its node is gone' }));
}

/** A cache may be behind: that a node is gone is believed only of the API server. */
function isFresh({ answers }: Snapshot, node: string): boolean {
  return answers.nodesFresh || answers.nodeFresh.has(node);
}

function freed({ node, attemptID }: Slot): LockEdit {
  return { kind: 'free', attemptID, why: `Node ${node} is gone` };
}

/** A node without a slot carries nothing of ours, and its NodeReboot asks nothing. */
function tidy(node: NodeView, nodeReboot: NodeReboot | undefined): Step | Retake | null {
  if (nodeReboot !== undefined && asksSomething(nodeReboot)) return settle(node, nodeReboot);
  if (!isMarked(node)) return null;
  const attemptID = node.annotations[ANNOTATIONS.cordon] ?? '';
  return { kind: 'restoreNode', node, uncordon: cordonOf(node).whose === 'ours', attemptID };
}

/** A reboot that was accepted will happen: it gets its slot back. Everything else is withdrawn. */
function settle(node: NodeView, nodeReboot: NodeReboot): Step | Retake {
  const { attempt, reboot, nodeUID } = nodeReboot.spec;
  const accepted = attempt !== undefined && nodeReboot.status?.agent?.accepted === attempt.id;
  if (!accepted || nodeUID !== node.uid || reboot?.attemptID !== attempt.id) {
    return { kind: 'clearAttempt', nodeReboot, attemptID: attempt?.id ?? '' };
  }
  return {
    kind: 'take',
    slot: {
      node: node.name,
      nodeUID: node.uid,
      policyUID: attempt.policy.uid,
      attemptID: attempt.id,
      fromBootID: reboot.fromBootID,
      requested: nodeReboot.metadata.uid,
    },
  };
}

function membership(node: NodeView, nodeReboot: NodeReboot | undefined, selected: boolean): Step | null {
  if (nodeReboot === undefined) return selected && !node.deleting ? { kind: 'createNodeReboot', node } : null;
  if (nodeReboot.metadata.deletionTimestamp !== undefined) return null;
  if (nodeReboot.spec.nodeUID !== node.uid) {
    return { kind: 'deleteNodeReboot', nodeReboot, why: 'it belongs to an earlier node of this name' };
  }
  // What a person has said of the node must outlive a policy that is away for a moment.
  if (selected || isStopped(nodeReboot)) return null;
  return { kind: 'deleteNodeReboot', nodeReboot, why: 'no policy selects its node any more' };
}

function isStopped({ metadata: { annotations = {} } }: NodeReboot): boolean {
  return ANNOTATIONS.pause in annotations || ANNOTATIONS.hold in annotations;
}
