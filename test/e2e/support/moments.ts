/** The moments of an attempt, each told by the request with which it ends. */

import type { NodeRebootSpec, NodeRebootStatus } from '../../../src/api/generated/nodereboot.ts';
import type { Slot } from '../../../src/core/model.ts';
import { type Match, on, where } from '../../testbed/proxy/request.ts';

/** The name of the machine whose attempts are told about. */
export const MACHINE = 'n1';

export interface Moment {
  /** What has been done, and what has not. */
  when: string;
  /** Whose request ends it. */
  whose: 'controller' | 'agent';
  request: Match;
}

const nodePatch = (satisfied: (node: { spec?: { unschedulable?: boolean | null } }) => boolean): Match =>
  where(on('PATCH', `/nodes/${MACHINE}`), satisfied);

const specPatch = (satisfied: (spec: { [F in keyof NodeRebootSpec]?: NodeRebootSpec[F] | null }) => boolean): Match =>
  where<{ spec: NodeRebootSpec }>(on('PATCH', `/nodereboots/${MACHINE}`), ({ spec }) => satisfied(spec));

const statusPatch = (satisfied: (status: NodeRebootStatus) => boolean): Match =>
  where<{ status: NodeRebootStatus }>(on('PATCH', `/nodereboots/${MACHINE}/status`), ({ status }) => satisfied(status));

const lockPatch = (satisfied: (slots: readonly Slot[]) => boolean): Match =>
  where<{ metadata: { annotations: Record<string, string> } }>(on('PATCH', '/leases/drydock-lock'), ({ metadata }) =>
    satisfied(JSON.parse(metadata.annotations['drydock.dev/slots'] ?? '[]') as Slot[]),
  );

/** All moments of an attempt that comes to its end, in their order. */
export const MOMENTS: readonly Moment[] = [
  { when: 'before the slot is taken', whose: 'controller', request: lockPatch((slots) => slots.length === 1) },
  {
    when: 'with the slot taken, before the attempt has begun',
    whose: 'controller',
    request: specPatch(({ prepare }) => prepare != null),
  },
  {
    when: 'while the agent prepares',
    whose: 'agent',
    request: statusPatch(({ agent }) => agent?.prepared !== undefined),
  },
  { when: 'before the cordon', whose: 'controller', request: nodePatch(({ spec }) => spec?.unschedulable === true) },
  { when: 'before an eviction', whose: 'controller', request: (asked) => asked.path.endsWith('/eviction') },
  {
    when: 'drained, before the request is marked in the lock',
    whose: 'controller',
    request: lockPatch((slots) => slots.some(({ requested }) => requested !== '')),
  },
  {
    when: 'marked, before the request is written',
    whose: 'controller',
    request: specPatch(({ reboot }) => reboot != null),
  },
  {
    when: 'requested, before the agent accepts',
    whose: 'agent',
    request: statusPatch(({ agent }) => agent?.accepted !== undefined),
  },
  {
    when: 'accepted, before the agent orders',
    whose: 'agent',
    request: statusPatch(({ agent }) => agent?.orders === 1),
  },
  {
    when: 'rebooted, before the agent has reported',
    whose: 'agent',
    request: statusPatch(({ agent }) => agent?.rebootRequired === false),
  },
  {
    when: 'verified, before the node is uncordoned',
    whose: 'controller',
    request: nodePatch(({ spec }) => spec?.unschedulable === null),
  },
  {
    when: 'uncordoned, before history is written',
    whose: 'controller',
    request: statusPatch(({ history }) => history !== undefined),
  },
  {
    when: 'with its history written, before the attempt is cleared',
    whose: 'controller',
    request: specPatch(({ attempt }) => attempt === null),
  },
  {
    when: 'cleared, before the slot is freed',
    whose: 'controller',
    request: lockPatch((slots) => slots.length === 0),
  },
];
