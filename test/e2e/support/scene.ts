/** The clusters that most tests begin with. */

import type { RebootPolicySpec } from '../../../src/api/generated/rebootpolicy.ts';
import type { ControllerProcess } from '../../testbed/controller/controller.ts';
import type { Machine } from '../../testbed/machine/machine.ts';
import type { ControllerSettings, Harbour } from './harbour.ts';

/** What there is besides a spare node that pods can go to. */
export interface SceneOptions {
  /** The names of the machines. Default `['n1']`. */
  machines?: readonly string[];
  /** Whether the drain of the first machine waits half-way for `letDrain`: of two pods that run only there one must stay. */
  held?: boolean;
  /** How many controllers there are; the first one leads. Default 1. */
  controllers?: number;
  controller?: ControllerSettings;
  /** What the policy asks besides what `applyPolicy` does. */
  policy?: Partial<RebootPolicySpec>;
}

export interface Scene {
  /** The first machine. */
  machine: Machine;
  machines: Machine[];
  /** The controller that leads. */
  controller: ControllerProcess;
  /** The controller that waits for leadership, if there is another. */
  standby: ControllerProcess | undefined;
}

/** Sets a scene: no machine requires a reboot, and every one has a NodeReboot. */
export async function setScene(h: Harbour, options: SceneOptions = {}): Promise<Scene> {
  const { held = false, controllers = 1 } = options;
  await h.addSpareNode();
  const machines: Machine[] = [];
  for (const name of options.machines ?? ['n1']) machines.push(await h.addMachine(name));
  const [machine] = machines;
  if (machine === undefined) throw new Error('a scene needs a machine');
  if (held) await holdDrain(h, machine);
  const controller = await h.startController(options.controller);
  if (controllers > 1) await controller.waitForLog('"leading"', { timeoutMs: 60_000 });
  const standby = controllers > 1 ? await h.startController(options.controller) : undefined;
  await standby?.waitUntilReady();
  await h.applyPolicy(options.policy);
  for (const { name } of machines) {
    await h.until(`the NodeReboot of ${name}`, (entry) => entry.kind === 'NodeReboot' && entry.name === name);
  }
  return { machine, machines, controller, standby };
}

/** Has the drain of a machine wait, once it has begun, until `letDrain`. */
export async function holdDrain(h: Harbour, { name }: Machine): Promise<void> {
  // One of the two may be evicted, so nothing stands in the way before the cordon; its replacement has nowhere to go.
  const nodeSelector = { 'kubernetes.io/hostname': name };
  await h.deploy({ name: 'db', replicas: 2, minAvailable: 1, nodeSelector });
}
