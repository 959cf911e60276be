import type { Ask, Verdict } from '../model.ts';
import type { Phase } from '../steps.ts';
import { type DrainState, drainState, nameOf } from './drain.ts';
import { end, type LiveContext, type Progress } from './progress.ts';

/** How long an agent may take to say whether it could reboot its node. */
const PREPARE_TIMEOUT_MS = 30_000;
/** How long an agent may take to accept a request. */
const ACCEPT_TIMEOUT_MS = 60_000;
/** How long a gate may stay closed after the drain before the node is put back: our own drain may be what closes it. */
const RECHECK_TIMEOUT_MS = 600_000;
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

/** What would stop the drain half-way is found before the cordon. */
function preflight(context: LiveContext): Progress | null {
  if (context.cordon.whose !== 'none') return null;
  const state = drainOf(context);
  if (state === null) return reading(context, 'Preparing');
  return state.refused.length > 0 ? end(context, refused(state)) : null;
}

function cordon({ cordon: { whose }, node, slot, epoch }: LiveContext): Progress | null {
  if (whose !== 'none') return null;
  return {
    phase: 'Cordoning',
    verdict: { code: 'Cordoning', message: 'The node is being cordoned.' },
    step: { kind: 'cordon', node, attemptID: slot.attemptID, epoch },
  };
}

function drain(context: LiveContext): Progress | null {
  const { node, slot, rules, timers, snapshot } = context;
  const late = timers.expired(`drain/${slot.attemptID}`, rules.drain.timeoutMs);
  const state = drainOf(context);
  if (state === null) return late ? end(context, NOT_READABLE) : reading(context, 'Draining');
  if (state.refused.length > 0) return end(context, refused(state));
  if (state.left.length === 0) return null;
  if (late) return end(context, drainTimedOut(state));
  const blocked = state.waitingFor.length > 0;
  const verdict = blocked
    ? { code: 'DrainBlocked', message: `Pods cannot be evicted now: ${state.waitingFor.slice(0, 3).join('; ')}` }
    : { code: 'Draining', message: 'Pods are being moved off the node.' };
  if (state.nextEviction !== Number.POSITIVE_INFINITY) timers.wakeIn(state.nextEviction - snapshot.mono);
  const progress: Progress = { phase: 'Draining', verdict, drain: state };
  if (state.evictNow.length === 0) return progress;
  const { gracePeriodSeconds } = rules.drain;
  return {
    ...progress,
    step: { kind: 'evict', node, attemptID: slot.attemptID, pods: state.evictNow, gracePeriodSeconds },
  };
}

/**
 * Drained: every gate is asked again, then everything else is read again past the caches, and the reboot is requested.
 * Gates may take their time, so what they are asked before is read after them.
 */
function request(context: LiveContext): Progress {
  const { snapshot, slot, node, nodeReboot, rules, timers } = context;
  const phase = 'Draining';
  const late = timers.expired(`recheck/${slot.attemptID}`, RECHECK_TIMEOUT_MS);
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
  const { uid } = nodeReboot.metadata;
  return {
    phase: 'Rebooting',
    verdict: { code: 'Requesting', message: 'The agent is being asked to reboot the node.' },
    ...(slot.requested === uid
      ? {}
      : { lockEdit: { kind: 'mark', attemptID: slot.attemptID, nodeRebootUID: uid } as const, stepAfterLock: true }),
    step: {
      kind: 'request',
      nodeReboot,
      request: {
        attemptID: slot.attemptID,
        fromBootID: slot.fromBootID,
        nodeRebootUID: uid,
        delaySeconds: 0,
        timeoutSeconds: Math.max(1, Math.floor(rules.rebootTimeoutMs / 1000)),
        baseline: { lastHeartbeatTime: node.lastHeartbeatTime, leaseRenewTime: leases.get(node.name) ?? '' },
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

function drainOf({ snapshot, node, rules }: LiveContext): DrainState | null {
  const pods = snapshot.answers.pods.get(node.name);
  return pods === undefined ? null : drainState(pods, rules.drain, snapshot.evictions, snapshot.mono);
}

function reading({ node }: LiveContext, phase: Phase): Progress {
  const asks: Ask[] = [{ kind: 'pods', node: node.name, fresh: false }];
  return { phase, verdict: { code: 'ReadingPods', message: "The node's pods are being read." }, asks };
}

function refused({ refused: pods }: DrainState): Verdict {
  return { code: 'DrainRefused', message: `The policy does not allow to evict: ${pods.slice(0, 5).join('; ')}` };
}

function drainTimedOut({ left, waitingFor }: DrainState): Verdict {
  const pods = waitingFor.length > 0 ? waitingFor : left.map((pod) => `${nameOf(pod)} is terminating`);
  return { code: 'DrainTimedOut', message: `The drain did not end in time: ${pods.slice(0, 5).join('; ')}` };
}

function sameBoot({ node, slot, nodeReboot }: LiveContext): boolean {
  return node.bootID === slot.fromBootID && nodeReboot.status?.agent?.bootID === slot.fromBootID;
}
