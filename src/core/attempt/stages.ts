import type { Ask, Verdict } from '../model.ts';
import { drain } from './draining.ts';
import { preflight } from './preflight.ts';
import { end, type LiveContext, type Progress } from './progress.ts';
import { readyDaemonSets } from './verification.ts';

/** How long an agent may take to say whether it could reboot its node. */
const PREPARE_TIMEOUT_MS = 30_000;
/** How long an agent may take to accept a request. */
const ACCEPT_TIMEOUT_MS = 60_000;
/** How often a closed gate is asked again. */
export const GATE_PERIOD_MS = 15_000;

/** An attempt's stages until the agent has accepted; each gives the next move, or null when it is done. The last never is. */
export const STAGES: readonly ((context: LiveContext) => Progress | null)[] = [
  awaitAcceptance,
  prepare,
  preflight,
  cordon,
  drain,
  request,
];

function prepare(context: LiveContext): Progress | null {
  const { nodeReboot, slot, timers } = context;
  const answer = nodeReboot.status?.agent?.prepared;
  if (answer?.attemptID !== slot.attemptID) {
    if (timers.expired(`prepare/${slot.attemptID}`, PREPARE_TIMEOUT_MS)) {
      return end(context, {
        code: 'AgentSilent',
        message: 'The agent did not say whether it could reboot the node. Is its pod running on the node?',
      });
    }
    return {
      phase: 'Preparing',
      verdict: { code: 'Preparing', message: 'The agent is asked whether it could reboot the node.' },
    };
  }
  if (answer.able) return null;
  const message = `The agent could not reboot the node: ${answer.reason || 'it gave no reason'}`;
  return end(context, { code: 'AgentUnable', message });
}

function cordon({ cordon: { whose }, node, slot, epoch }: LiveContext): Progress | null {
  if (whose !== 'none') return null;
  return {
    phase: 'Cordoning',
    verdict: { code: 'Cordoning', message: 'The node is being cordoned.' },
    step: { kind: 'cordon', node, attemptID: slot.attemptID, epoch },
  };
}

/**
 * Drained: every gate is asked again, then everything else is read again past the caches, and the reboot is requested.
 * Gates may take their time, so what they are asked before is read after them.
 */
function request(context: LiveContext): Progress {
  const { snapshot, slot, node, rules, timers } = context;
  const phase = 'Draining';
  const late = timers.expired(`recheck/${slot.attemptID}`, rules.recheckTimeoutMs);
  const { gates, podsFresh, nodeFresh, leases, peopleFresh } = snapshot.answers;
  if (!gates.has(slot.attemptID)) {
    return { phase, verdict: CHECKING, asks: [{ kind: 'gates', key: slot.attemptID, gates: rules.gates }] };
  }
  const gate = gates.get(slot.attemptID);
  if (gate) {
    if (late) return end(context, gate);
    timers.wakeIn(GATE_PERIOD_MS);
    return { phase, verdict: gate };
  }
  if (!podsFresh.has(node.name) || !nodeFresh.has(node.name) || !leases.has(node.name) || !peopleFresh) {
    if (late) return end(context, NOT_READABLE);
    timers.wakeIn(GATE_PERIOD_MS);
    return { phase, verdict: CHECKING, asks: lastReads(node.name) };
  }
  if (!sameBoot(context)) {
    const message = 'The node is no longer in the boot in which the attempt began.';
    return end(context, { code: 'BootChanged', message });
  }
  return requested(context);
}

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

const CHECKING: Verdict = {
  code: 'CheckingGates',
  message: 'The node is drained; the gates are asked and everything is read once more.',
};
const NOT_READABLE: Verdict = {
  code: 'NotReadable',
  message: "The node, its pods, its Lease or the policies could not be read. The controller's log says why.",
};

function lastReads(node: string): Ask[] {
  return [{ kind: 'pods', node, fresh: true }, { kind: 'node', node }, { kind: 'lease', node }, { kind: 'people' }];
}

/** Once it has been requested, nothing but the agent's answer is waited for. */
function awaitAcceptance(context: LiveContext): Progress | null {
  if (context.nodeReboot.spec.reboot?.attemptID !== context.slot.attemptID) return null;
  if (context.timers.expired(`accept/${context.slot.attemptID}`, ACCEPT_TIMEOUT_MS)) {
    return end(context, { code: 'NotAccepted', message: 'The agent did not accept the reboot.' });
  }
  return {
    phase: 'Rebooting',
    verdict: { code: 'Requested', message: 'The agent has been asked to reboot the node.' },
  };
}

function sameBoot({ node, slot, nodeReboot }: LiveContext): boolean {
  return node.bootID === slot.fromBootID && nodeReboot.status?.agent?.bootID === slot.fromBootID;
}
