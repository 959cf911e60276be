import { ANNOTATIONS } from '../../api/names.ts';
import type { NodeReboot, NodeView } from '../model.ts';
import type { Grant, Step } from '../steps.ts';

/** The permission that a person gave for the boot which kubelet and agent report; it lapses with that boot. */
export function grantOf(node: NodeView, { spec: { grant }, status }: NodeReboot): Grant | undefined {
  return grant?.bootID === node.bootID && grant.bootID === status?.agent?.bootID ? grant : undefined;
}

/** Whether a person wants the node rebooted in any case. */
export function isRebootNow(node: NodeView, nodeReboot: NodeReboot): boolean {
  return grantOf(node, nodeReboot)?.kind === 'RebootNow';
}

/**
 * Turns what a person has annotated into a grant, which then survives interruptions and restarts but not the boot; and
 * drops a grant whose boot has ended. While it is not certain which boot the node is in, both wait.
 *
 * @param now epoch ms
 */
export function grantStep(node: NodeView, nodeReboot: NodeReboot, now: number): Step | null {
  const { spec, status, metadata } = nodeReboot;
  const { bootID } = node;
  if (bootID === '' || status?.agent?.bootID !== bootID || spec.nodeUID !== node.uid) return null;
  const { [ANNOTATIONS.approve]: approve, [ANNOTATIONS.rebootNow]: rebootNow } = metadata.annotations ?? {};
  if (approve === undefined && rebootNow === undefined) {
    return spec.grant !== undefined && spec.grant.bootID !== bootID ? { kind: 'dropGrant', nodeReboot } : null;
  }
  const kept = isRebootNow(node, nodeReboot);
  const kind = rebootNow !== undefined || kept ? 'RebootNow' : 'Approve';
  const grant: Grant = { kind, bootID, at: new Date(now).toISOString() };
  return { kind: 'grant', nodeReboot, grant, reason: rebootNow ?? approve ?? '' };
}
