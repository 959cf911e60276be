import type { NodeReboot, NodeView, Snapshot, Verdict } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import type { Rules } from '../policy/rules.ts';
import { scheduleAt } from '../policy/schedule.ts';
import type { Timers } from '../timers.ts';
import { isLastSchedulable } from './budget.ts';
import { stopped } from './pause.ts';
import { stopsOf } from './stops.ts';

/** A sentinel this soon after a boot, with the same reasons as before, has survived the reboot. In seconds. */
const PERSISTENCE_SECONDS = 600;

/** A node that may require a reboot, with what its turn is decided from. */
export interface Candidate {
  node: NodeView;
  nodeReboot: NodeReboot;
  owner: ReadPolicy;
  rules: Rules;
}

type Check = (candidate: Candidate, snapshot: Snapshot, timers: Timers) => Verdict | null;

/** Whether the agent of a node has said that it requires a reboot. */
export function isRequired(nodeReboot: NodeReboot): boolean {
  return nodeReboot.status?.agent?.rebootRequired === true;
}

/** Names the time for which a sentinel has not changed; it goes on during attempts. */
export function settleTimer({ uid }: NodeView, { status }: NodeReboot): string {
  return `settle/${uid}/${status?.agent?.changed ?? ''}`;
}

/** Everything that keeps a node from being rebooted, but for its turn, the budget and the gates; all of it, not only the first. */
export function blockersOf(candidate: Candidate, snapshot: Snapshot, timers: Timers): Verdict[] {
  const blockers = CHECKS.flatMap((check) => check(candidate, snapshot, timers) ?? []);
  for (const { nextCheck } of blockers) if (nextCheck !== undefined) timers.wakeIn(nextCheck - snapshot.now);
  return blockers;
}

const CHECKS: readonly Check[] = [
  /** People come first. */
  ({ node, nodeReboot, owner }, { namespaceAnnotations, now }) => {
    if (namespaceAnnotations === null) {
      return verdict(
        'NamespaceUnread',
        "The operator's namespace could not be read, so it is not known whether everything is paused.",
      );
    }
    const stops = stopsOf(namespaceAnnotations, owner.policy, node, nodeReboot);
    return stops.map((stop) => stopped(stop, now)).find((found) => found !== null) ?? null;
  },
  ({ nodeReboot, node }) => {
    const agent = nodeReboot.status?.agent;
    if (node.deleting) return verdict('NodeLeaving', 'The node is being deleted.');
    if (agent?.nodeUID !== node.uid)
      return verdict('AgentOfAnotherNode', 'What the agent reported belongs to an earlier node of this name.');
    if (node.bootID === '') return verdict('BootIDUnknown', 'The kubelet has not reported a boot ID.');
    if (agent.bootID !== node.bootID)
      return verdict('BootIDsDiffer', 'Kubelet and agent report different boot IDs; one of them is not up to date.');
    return null;
  },
  ({ nodeReboot }) => {
    const reboot = nodeReboot.status?.agent?.reboot;
    return reboot?.able === false
      ? verdict('AgentUnable', `The agent could not reboot the node: ${reboot.reason || 'it gave no reason'}`)
      : null;
  },
  ({ nodeReboot }) => (persists(nodeReboot) ? verdict('SentinelPersists', PERSISTS) : null),
  ({ node, nodeReboot, rules }, _snapshot, timers) => {
    return timers.expired(settleTimer(node, nodeReboot), rules.settleMs)
      ? null
      : verdict('Settling', 'The sentinel has changed a short while ago.');
  },
  ({ nodeReboot }, { now }) => {
    const backoff = nodeReboot.status?.backoff;
    const until = backoff ? Date.parse(backoff.until) : Number.NaN;
    if (!(until > now)) return null;
    return {
      ...verdict('BackingOff', `The last attempt ended with ${backoff?.code ?? 'a failure'}.`),
      nextCheck: until,
    };
  },
  ({ rules }, { now }) => {
    const state = scheduleAt(rules.schedule, now);
    if (state.open) return null;
    if (state.nextCheck === null) return verdict(state.code, state.message);
    return { ...verdict(state.code, state.message), nextCheck: state.nextCheck };
  },
  ({ node }, { nodes, lock }) =>
    isLastSchedulable(node, nodes.values(), lock.kind === 'ok' ? lock.slots : [])
      ? verdict('LastSchedulableNode', 'No other node is Ready and schedulable, so its pods would have nowhere to go.')
      : null,
];

const PERSISTS =
  'The sentinel was there again within ten minutes of a proven reboot, with the same reasons, so another reboot would not help. Look at what sets it on the node; it counts again when it goes and comes later, or has other reasons.';

function persists({ status }: NodeReboot): boolean {
  const last = status?.history?.[0];
  const agent = status?.agent;
  return (
    last?.outcome === 'Rebooted' &&
    last.toBootID === agent?.bootID &&
    (agent?.sinceUptime ?? Number.POSITIVE_INFINITY) < PERSISTENCE_SECONDS &&
    JSON.stringify(last.reasons ?? []) === JSON.stringify(agent?.reasons ?? [])
  );
}

function verdict(code: string, message: string): Verdict {
  return { code, message };
}
