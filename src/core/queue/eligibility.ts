import { slotsOf } from '../lock/lock.ts';
import type { NodeReboot, NodeView, Snapshot, Verdict } from '../model.ts';
import { writeInstant } from '../policy/instant.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import type { Rules } from '../policy/rules.ts';
import { nextWindow, scheduleAt } from '../policy/schedule.ts';
import type { Timers } from '../timers.ts';
import { isLastSchedulable } from './budget.ts';
import { mayRebootLate, sentinelPersists } from './failures.ts';
import { grantOf } from './grant.ts';
import { stopped } from './pause.ts';
import { stopsOf } from './stops.ts';

/** A node that may have to be rebooted, with what its turn is decided from. */
export interface Candidate {
  node: NodeView;
  nodeReboot: NodeReboot;
  owner: ReadPolicy;
  rules: Rules;
  /** How long its reboot is expected to take, in ms. */
  expectedMs: number;
  /** A person wants it now: without a sentinel, outside the windows, whatever came of earlier attempts. */
  rebootNow: boolean;
}

type Check = (candidate: Candidate, snapshot: Snapshot, timers: Timers) => Verdict | null;

/** Names the time for which a sentinel has not changed; it goes on during attempts. */
export function settleTimer({ uid }: NodeView, { status }: NodeReboot): string {
  return `settle/${uid}/${status?.agent?.changed ?? ''}`;
}

/** Everything that keeps a node from being rebooted, but for its turn, the budget and the gates; all of it, not only the first. */
export function blockersOf(candidate: Candidate, snapshot: Snapshot, timers: Timers): Verdict[] {
  const checks = candidate.rebootNow ? ALWAYS : [...ALWAYS, ...BY_ITSELF];
  const blockers = checks.flatMap((check) => check(candidate, snapshot, timers) ?? []);
  for (const { nextCheck } of blockers) if (nextCheck !== undefined) timers.wakeIn(nextCheck - snapshot.now);
  return blockers;
}

/** What holds also when a person wants the node rebooted now. */
const ALWAYS: readonly Check[] = [
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
  /** A late reboot would hit a node that is not drained yet. */
  ({ node }) => (mayRebootLate(node) ? verdict('Released', RELEASED) : null),
  /** What has failed since a person said so is waited for all the same: or it would be tried without end. */
  ({ node, nodeReboot }, { now }) => {
    const backoff = nodeReboot.status?.backoff;
    const until = backoff ? Date.parse(backoff.until) : Number.NaN;
    const grant = grantOf(node, nodeReboot);
    const overruled = grant?.kind === 'RebootNow' && (nodeReboot.status?.history?.[0]?.endedAt ?? '') < grant.at;
    if (!(until > now) || overruled) return null;
    return at(verdict('BackingOff', lastEnding(nodeReboot)), until);
  },
  ({ rules, rebootNow, expectedMs }, { now }) => {
    const state = scheduleAt(rules.schedule, now);
    if (!state.open) {
      if (rebootNow && state.code === 'OutsideWindow') return null;
      return at(verdict(state.code, state.message), state.nextCheck);
    }
    if (rebootNow || state.until === null || now + expectedMs <= state.until) return null;
    const message = `The window closes at ${writeInstant(state.until)}, before a reboot is expected to have ended (schedule.expectedDuration).`;
    return at(verdict('WindowTooShort', message), nextWindow(rules.schedule, state.until));
  },
  ({ node, rules }, { nodes, lock }) =>
    !rules.allowLastNode && isLastSchedulable(node, nodes.values(), slotsOf(lock))
      ? verdict('LastSchedulableNode', 'No other node is Ready and schedulable, so its pods would have nowhere to go.')
      : null,
];

/** What a person overrules by `reboot-now`. */
const BY_ITSELF: readonly Check[] = [
  ({ nodeReboot }) => (sentinelPersists(nodeReboot) ? verdict('SentinelPersists', PERSISTS) : null),
  ({ rules, node, nodeReboot }) =>
    rules.approval === 'Manual' && grantOf(node, nodeReboot) === undefined
      ? verdict('AwaitingApproval', AWAITING_APPROVAL)
      : null,
  ({ node, nodeReboot, rules }, _snapshot, timers) => {
    return timers.expired(settleTimer(node, nodeReboot), rules.settleMs)
      ? null
      : verdict('Settling', 'The sentinel has changed a short while ago.');
  },
  ({ nodeReboot, rules }, { now }) => {
    const last = nodeReboot.status?.history?.find(({ outcome }) => outcome === 'Rebooted');
    const until = last === undefined ? Number.NaN : Date.parse(last.endedAt) + rules.minIntervalMs;
    if (!(until > now)) return null;
    return at(
      verdict('RebootedRecently', 'The node has been rebooted too short a while ago (disruption.minInterval).'),
      until,
    );
  },
];

const PERSISTS =
  'The sentinel was there again within ten minutes of a proven reboot, with the same reasons, so another reboot would not help. Look at what sets it on the node; it counts again when it goes and comes later, or has other reasons.';
const RELEASED =
  'A person has released an attempt whose reboot may still come late, so the node is not tried again in this boot. Reboot or replace it yourself.';
const AWAITING_APPROVAL =
  'The policy wants every reboot approved (approval: Manual): annotate the NodeReboot with drydock.dev/approve.';

/** What the last attempt ended with, and why as far as it is remembered. */
function lastEnding({ status }: NodeReboot): string {
  const code = status?.backoff?.code;
  const last = status?.history?.[0];
  return `The last attempt ended with ${code}${last?.code === code ? `: ${last?.message}` : '.'}`;
}

function verdict(code: string, message: string): Verdict {
  return { code, message };
}

function at(said: Verdict, nextCheck: number | null): Verdict {
  return nextCheck === null ? said : { ...said, nextCheck };
}
