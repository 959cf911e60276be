import { drain } from './draining.ts';
import { preflight } from './preflight.ts';
import { end, type LiveContext, type Progress } from './progress.ts';
import { request } from './request.ts';

/** How long an agent may take to say whether it could reboot its node. */
const PREPARE_TIMEOUT_MS = 30_000;
/** How long an agent may take to accept a request. */
const ACCEPT_TIMEOUT_MS = 60_000;

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
