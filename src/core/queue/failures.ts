import { ANNOTATIONS } from '../../api/names.ts';
import type { NodeReboot, NodeView, Slot } from '../model.ts';
import { isRebootNow } from './grant.ts';
import { isRequired } from './required.ts';

/** A sentinel this soon after a boot, with the same reasons as before, has survived the reboot. In seconds. */
const PERSISTENCE_SECONDS = 600;

/** A node whose reboot has failed, for as long as that counts. */
export interface NodeFailure {
  node: string;
  attemptID: string;
  code: string;
}

/**
 * Why a node counts as Failed now, by the failure table of the design: its accepted attempt did not end in time; its
 * last attempt in this boot was not accepted, not carried out, or released; or its sentinel has survived the reboot.
 */
export function failureOf(node: NodeView, nodeReboot: NodeReboot, slots: readonly Slot[]): NodeFailure | null {
  const { name } = node;
  const attempt = nodeReboot.spec.attempt;
  const slot = slots.find((one) => one.node === name && one.nodeUID === node.uid);
  if (attempt?.failure !== undefined && slot?.attemptID === attempt.id) {
    return { node: name, attemptID: attempt.id, code: attempt.failure.code };
  }
  if (slot === undefined && sentinelPersists(nodeReboot)) {
    return { node: name, attemptID: nodeReboot.status?.history?.[0]?.attemptID ?? '', code: 'SentinelPersists' };
  }
  const failed = nodeReboot.status?.history?.find(
    ({ outcome, fromBootID }) => outcome === 'Failed' && fromBootID === node.bootID,
  );
  const wanted = isRequired(nodeReboot) || isRebootNow(node, nodeReboot);
  if (failed === undefined || !wanted) return null;
  return { node: name, attemptID: failed.attemptID, code: failed.code };
}

/** Whether the sentinel was there again, for the same reasons, soon after a reboot that was proven. */
export function sentinelPersists(nodeReboot: NodeReboot): boolean {
  const { status } = nodeReboot;
  const last = status?.history?.[0];
  const agent = status?.agent;
  return (
    isRequired(nodeReboot) &&
    last?.outcome === 'Rebooted' &&
    last.toBootID === agent?.bootID &&
    (agent?.sinceUptime ?? Number.POSITIVE_INFINITY) < PERSISTENCE_SECONDS &&
    JSON.stringify(last.reasons ?? []) === JSON.stringify(agent?.reasons ?? [])
  );
}

/** Whether a person has released an attempt in the boot that the node is still in: its reboot may come late. */
export function mayRebootLate({ annotations, bootID }: NodeView): boolean {
  return annotations[ANNOTATIONS.releasedBoot] === bootID;
}
