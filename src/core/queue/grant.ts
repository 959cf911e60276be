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
  const grant = granted(node, nodeReboot, rebootNow !== undefined, now);
  return { kind: 'grant', nodeReboot, grant, reason: rebootNow ?? approve ?? '' };
}

/** An approval adds nothing to a `reboot-now` that is granted already, and must not make it younger than a failure. */
function granted(node: NodeView, nodeReboot: NodeReboot, rebootNow: boolean, now: number): Grant {
  const before = grantOf(node, nodeReboot);
  if (!rebootNow && before?.kind === 'RebootNow') return before;
  return { kind: rebootNow ? 'RebootNow' : 'Approve', bootID: node.bootID, at: new Date(now).toISOString() };
}
