import { releaseOf } from '../attempt/release.ts';
import type { NodeReboot, NodeView, Slot, Snapshot } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import type { Step } from '../steps.ts';
import { grantStep } from './grant.ts';

/**
 * Takes in what people have annotated on the NodeReboots of nodes under a policy that acts, at most one step a node.
 *
 * @param busy nodes that something is done about already: their annotations wait
 */
export function wishSteps(
  policies: readonly ReadPolicy[],
  snapshot: Snapshot,
  slots: readonly Slot[],
  busy: ReadonlySet<string>,
): Step[] {
  const steps: Step[] = [];
  const acting = policies.filter(({ rules }) => rules?.mode === 'Enforce').flatMap(({ nodes }) => nodes);
  for (const node of acting) {
    const nodeReboot = snapshot.nodeReboots.get(node.name);
    if (nodeReboot === undefined || busy.has(node.name)) continue;
    if (nodeReboot.metadata.deletionTimestamp !== undefined) continue;
    const step = vainRelease(nodeReboot, node, slots) ?? grantStep(node, nodeReboot, snapshot.now);
    if (step !== null) steps.push(step);
  }
  return steps;
}

/** A release that names no attempt in flight can do nothing, and must not be waiting for a later one. */
function vainRelease(nodeReboot: NodeReboot, { name, uid }: NodeView, slots: readonly Slot[]): Step | null {
  const released = releaseOf(nodeReboot);
  if (released === undefined) return null;
  const inFlight = slots.some((slot) => slot.node === name && slot.nodeUID === uid && slot.attemptID === released);
  return inFlight ? null : { kind: 'dropRelease', nodeReboot };
}
