import type { Ask, Verdict } from '../model.ts';
import { DEFAULTS, frozenRules } from '../policy/rules.ts';
import { isMarked } from './cordon.ts';
import type { AttemptContext, Progress } from './progress.ts';

/** How often a node's Lease is read while its first renewal is awaited. */
const LEASE_PERIOD_MS = 1_000;

/** What a rebooted node still lacks before it may be handed back; null when it lacks nothing, or was handed back. */
export function verify(context: AttemptContext): Progress | null {
  const { node, cordon, slot, attempt, timers } = context;
  if (!isMarked(node) && cordon.whose !== 'foreign') return null;
  const lacking = missing(context);
  if (lacking === null) return null;
  const limit = (attempt && frozenRules(attempt)?.readyTimeoutMs) ?? DEFAULTS.readyTimeoutMs;
  const late = timers.expired(`verify/${slot.attemptID}`, limit);
  const { verdict, asks } = lacking;
  return { phase: late ? 'Failed' : 'Verifying', verdict: late ? { ...verdict, code: 'NotVerified' } : verdict, asks };
}

/**
 * After a quick reboot Ready never changes, and right after any reboot it may still be the old boot's: it counts only
 * with the new boot ID, a heartbeat other than the one before the reboot, and a Lease renewed since.
 */
function missing({ node, nodeReboot, snapshot, timers }: AttemptContext): { verdict: Verdict; asks: Ask[] } | null {
  const baseline = nodeReboot?.spec.reboot?.baseline;
  if (!node.ready || node.lastHeartbeatTime === baseline?.lastHeartbeatTime) {
    return lacks('NotReady', 'The node has rebooted; its kubelet has not said Ready since.');
  }
  if (nodeReboot?.status?.agent?.bootID !== node.bootID) {
    return lacks('AgentNotBack', 'The node has rebooted and is Ready; its agent has not reported since.');
  }
  const renewTime = snapshot.answers.leases.get(node.name);
  if (renewTime !== undefined && renewTime !== baseline?.leaseRenewTime) return null;
  if (renewTime !== undefined) timers.wakeIn(LEASE_PERIOD_MS);
  const wait = lacks('LeaseNotRenewed', 'The node has rebooted and is Ready; its Lease has not been renewed since.');
  return { ...wait, asks: [{ kind: 'lease', node: node.name }] };
}

function lacks(code: string, message: string): { verdict: Verdict; asks: Ask[] } {
  return { verdict: { code, message }, asks: [] };
}
