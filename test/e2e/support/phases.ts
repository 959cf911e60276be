/** Attempts in every phase at the same time. */

import type { NodeRebootStatus } from '../../../src/api/generated/nodereboot.ts';
import type { RebootPolicySpec } from '../../../src/api/generated/rebootpolicy.ts';
import type { Machine } from '../../testbed/machine/machine.ts';
import { waitFor } from '../../testbed/process/wait.ts';
import { on, where } from '../../testbed/proxy/request.ts';
import { SOON } from './harbour.ts';
import { holdDrain } from './scene.ts';
import type { SharedHarbour } from './shared.ts';

/** Every node may go at once, so that each can be in another phase. */
export const ALL_AT_ONCE = { disruption: { maxUnavailable: 4 } };

/** Machines whose attempts have come to different points and wait there. */
export interface EveryPhase {
  /** Its agent is about to say whether it could reboot. */
  preparing: Machine;
  /** One of its pods cannot go before `letDrain`. */
  draining: Machine;
  /** Its agent is about to accept. */
  requested: Machine;
  /** Its agent has accepted and given the order, which the machine ignored. */
  accepted: Machine;
  /** Lets what the agents were about to write reach the API server. */
  letGo: () => void;
}

/**
 * Brings four machines there, under a policy that lets all of them go at once.
 *
 * @param more what the policy asks besides, as of the moment at which the machines require their reboots
 */
export async function inEveryPhase(
  shared: SharedHarbour,
  more: () => Partial<RebootPolicySpec> = () => ({}),
): Promise<EveryPhase> {
  const { h } = shared;
  await h.applyPolicy(ALL_AT_ONCE);
  const proxy = await h.bed.proxy();
  const [preparing, draining, requested, accepted] = (await shared.addMachines(4, { proxy })) as Four;
  const answers = ({ name }: Machine, has: (agent: NonNullable<NodeRebootStatus['agent']>) => boolean) =>
    where<{ status: NodeRebootStatus }>(on('PATCH', `/nodereboots/${name}/status`), ({ status }) =>
      has(status.agent ?? {}),
    );
  const holds = [
    proxy.hold(answers(preparing, ({ prepared }) => prepared !== undefined)),
    proxy.hold(answers(requested, (agent) => agent.accepted !== undefined)),
  ];
  await holdDrain(h, draining);
  accepted.rebooter.onOrder = 'ignore';
  await h.applyPolicy({ ...ALL_AT_ONCE, ...more() });
  for (const machine of [preparing, draining, requested, accepted]) machine.requireReboot();
  for (const hold of holds) await hold.arrived();
  await h.untilOrdered(accepted);
  const cordoned = () => h.isCordoned(draining.name);
  await waitFor(`the cordon of ${draining.name}`, cordoned, { timeoutMs: SOON });
  const letGo = () => {
    for (const hold of holds) hold.release();
  };
  return { preparing, draining, requested, accepted, letGo };
}

type Four = [Machine, Machine, Machine, Machine];
