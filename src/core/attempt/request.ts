import { slotsOf } from '../lock/lock.ts';
import type { Ask, Verdict } from '../model.ts';
import { controlPlaneBusy, isControlPlane } from '../queue/topology.ts';
import { end, type LiveContext, type Progress } from './progress.ts';
import { readyDaemonSets } from './verification.ts';

/** How often a closed gate is asked again. */
export const GATE_PERIOD_MS = 15_000;

/**
 * Drained: every gate is asked again, then everything else is read again past the caches, and the reboot is requested.
 * Gates may take their time, so what they are asked before is read after them.
 */
export function request(context: LiveContext): Progress {
  const { snapshot, slot, node, rules, timers } = context;
  const late = timers.expired(`recheck/${slot.attemptID}`, rules.recheckTimeoutMs);
  const { gates } = snapshot.answers;
  if (!gates.has(slot.attemptID)) {
    return waiting(CHECKING, [{ kind: 'gates', key: slot.attemptID, gates: rules.gates }]);
  }
  const gate = gates.get(slot.attemptID);
  const read = allRead(context);
  const why = gate ?? (read ? quorumLost(context) : CHECKING);
  if (why === null) return sameBoot(context) ? requested(context) : end(context, BOOT_CHANGED);
  if (late) return end(context, why.code === CHECKING.code ? NOT_READABLE : why);
  timers.wakeIn(GATE_PERIOD_MS);
  return gate || read ? waiting(why) : waiting(why, lastReads(node.name, isControlPlane(node)));
}

function waiting(verdict: Verdict, asks?: readonly Ask[]): Progress {
  return { phase: 'Draining', verdict, ...(asks === undefined ? {} : { asks }) };
}

/** A control-plane node is rebooted only while all others are up, also if one went down during its drain. */
function quorumLost({ node, snapshot, slot }: LiveContext): Verdict | null {
  const others = slotsOf(snapshot.lock).filter(({ attemptID }) => attemptID !== slot.attemptID);
  return controlPlaneBusy(snapshot.nodes, others)(node);
}

/** Whether everything that the request is decided from was read past the caches; the namespace may be unreadable. */
function allRead({ snapshot, node }: LiveContext): boolean {
  const { podsFresh, nodeFresh, nodesFresh, leases, peopleFresh } = snapshot.answers;
  const people = peopleFresh && snapshot.namespaceAnnotations !== null;
  const nodes = isControlPlane(node) ? nodesFresh : nodeFresh.has(node.name);
  return podsFresh.has(node.name) && nodes && leases.has(node.name) && people;
}

function lastReads(node: string, all: boolean): Ask[] {
  const nodes: Ask = all ? { kind: 'nodes' } : { kind: 'node', node };
  return [{ kind: 'pods', node, fresh: true }, nodes, { kind: 'lease', node }, { kind: 'people' }];
}

const CHECKING: Verdict = {
  code: 'CheckingGates',
  message: 'The node is drained; the gates are asked and everything is read once more.',
};
const NOT_READABLE: Verdict = {
  code: 'NotReadable',
  message: "The gates, the node, its pods, its Lease or the policies could not be read. The controller's log says why.",
};
const BOOT_CHANGED: Verdict = {
  code: 'BootChanged',
  message: 'The node is no longer in the boot in which the attempt began.',
};

/** The mark in the lock comes first, so that a request which may have been accepted is never forgotten. */
function requested({ slot, nodeReboot, node, rules, snapshot }: LiveContext): Progress {
  const { uid } = nodeReboot.metadata;
  const { leases, pods } = snapshot.answers;
  const marked = slot.requested === uid;
  const mark = { kind: 'mark', attemptID: slot.attemptID, nodeRebootUID: uid } as const;
  const daemonSetPods = rules.daemonSets ? readyDaemonSets(pods.get(node.name) ?? []) : [];
  return {
    phase: 'Rebooting',
    verdict: { code: 'Requesting', message: 'The agent is being asked to reboot the node.' },
    ...(marked ? {} : { lockEdit: mark, stepAfterLock: true }),
    step: {
      kind: 'request',
      nodeReboot,
      request: {
        attemptID: slot.attemptID,
        fromBootID: slot.fromBootID,
        nodeRebootUID: uid,
        delaySeconds: Math.floor(rules.rebootDelayMs / 1000),
        timeoutSeconds: Math.max(1, Math.floor((rules.rebootDelayMs + rules.rebootTimeoutMs) / 1000)),
        baseline: {
          lastHeartbeatTime: node.lastHeartbeatTime,
          leaseRenewTime: leases.get(node.name) ?? '',
          ...(daemonSetPods.length > 0 ? { daemonSetPods } : {}),
        },
      },
    },
  };
}

function sameBoot({ node, slot, nodeReboot }: LiveContext): boolean {
  return node.bootID === slot.fromBootID && nodeReboot.status?.agent?.bootID === slot.fromBootID;
}
