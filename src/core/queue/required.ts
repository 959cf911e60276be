import type { NodeReboot } from '../model.ts';

/** Whether the agent of a node has said that it requires a reboot. */
export function isRequired(nodeReboot: NodeReboot): boolean {
  return nodeReboot.status?.agent?.rebootRequired === true;
}
