import type { Pod } from '../../api/objects.ts';
import type { Ask, Verdict } from '../model.ts';
import { controllerOf, isReady } from '../pod.ts';
import { DEFAULTS, frozenRules } from '../policy/rules.ts';
import { isMarked } from './cordon.ts';
import type { AttemptContext, Progress } from './progress.ts';

/** How often a node's Lease is read while its first renewal is awaited. */
const LEASE_PERIOD_MS = 1_000;

/** … and once it has taken too long. */
const FAILED_PERIOD_MS = 30_000;

/** What a rebooted node still lacks before it may be handed back; null when it lacks nothing, or was handed back. */
export function verify(context: AttemptContext): Progress | null {
  const { node, cordon, slot, attempt, nodeReboot, timers } = context;
  if (!isMarked(node) && cordon.whose !== 'foreign') return null;
  const rules = (attempt && frozenRules(attempt)) ?? DEFAULTS;
  const lacking = missing(context, rules.daemonSets) ?? soaking(context, rules.soakMs);
  // The time runs on while the node soaks, or one that comes and goes would keep its slot for ever.
  const late = timers.expired(`verify/${slot.attemptID}`, rules.readyTimeoutMs + rules.soakMs);
  if (lacking === null) return null;
  const { verdict, asks, soaks } = lacking;
  const failed = { phase: 'Failed', verdict: { ...verdict, code: NOT_VERIFIED }, asks } as const;
  if (attempt?.failure?.code === NOT_VERIFIED) return failed;
  if (soaks || !late) return { phase: 'Verifying', verdict, asks };
  if (nodeReboot === undefined || attempt === undefined) return failed;
  const message = `${verdict.message} ${HEALS}`;
  return {
    ...failed,
    step: { kind: 'failAttempt', nodeReboot, attempt, code: NOT_VERIFIED, message, now: context.snapshot.now },
  };
}

const HEALS =
  'It goes on by itself once the node is well; else annotate its NodeReboot with drydock.dev/release and the ID of the attempt.';
const NOT_VERIFIED = 'NotVerified';

interface Lacking {
  verdict: Verdict;
  asks: Ask[];
  /** Nothing is missing, it has only to go on like that. */
  soaks?: boolean;
}

/**
 * After a quick reboot Ready never changes, and right after any reboot it may still be the old boot's: it counts only
 * with the new boot ID, a heartbeat other than the one before the reboot, and a Lease renewed since.
 */
function missing(context: AttemptContext, daemonSets: boolean): Lacking | null {
  const { node, nodeReboot, snapshot } = context;
  const baseline = nodeReboot?.spec.reboot?.baseline;
  if (!node.ready || node.lastHeartbeatTime === baseline?.lastHeartbeatTime) {
    return lacks('NotReady', 'The node has rebooted; its kubelet has not said Ready since.');
  }
  if (nodeReboot?.status?.agent?.bootID !== node.bootID) {
    return lacks('AgentNotBack', 'The node has rebooted and is Ready; its agent has not reported since.');
  }
  if (!leaseRenewed(context))
    return { ...lacks('LeaseNotRenewed', NOT_RENEWED), asks: [{ kind: 'lease', node: node.name }] };
  const before = baseline?.daemonSetPods ?? [];
  return daemonSets && before.length > 0
    ? daemonSetsMissing(before, snapshot.daemonSets, node.name, snapshot.answers.pods)
    : null;
}

const NOT_RENEWED = 'The node has rebooted and is Ready; its Lease has not been renewed since.';

/** Whether the kubelet has renewed the node's Lease since the reboot. Once is enough: a soak does not read it again. */
function leaseRenewed({ node, nodeReboot, attempt, snapshot, timers, slot }: AttemptContext): boolean {
  const before = nodeReboot?.spec.reboot?.baseline.leaseRenewTime;
  const renewTime = snapshot.answers.leases.get(node.name);
  const name = `renewed/${slot.attemptID}`;
  if (timers.isRunning(name) || (renewTime !== undefined && renewTime !== before)) {
    timers.elapsed(name);
    return true;
  }
  if (renewTime !== undefined) timers.wakeIn(attempt?.failure === undefined ? LEASE_PERIOD_MS : FAILED_PERIOD_MS);
  return false;
}

function daemonSetsMissing(
  before: readonly string[],
  daemonSets: ReadonlyMap<string, unknown>,
  node: string,
  pods: ReadonlyMap<string, readonly Pod[]>,
): Lacking | null {
  const now = pods.get(node);
  const asks: Ask[] = [{ kind: 'pods', node, fresh: false }];
  if (now === undefined)
    return { ...lacks('ReadingPods', 'The node has rebooted and is Ready; its pods are read.'), asks };
  const ready = new Set(readyDaemonSets(now));
  const lacking = before.filter((name) => daemonSets.has(name) && !ready.has(name));
  if (lacking.length === 0) return null;
  const message = `The node has rebooted and is Ready; pods of these DaemonSets were Ready before and are not yet: ${lacking.slice(0, 5).join(', ')}.`;
  return { ...lacks('DaemonSetsNotReady', message), asks };
}

/** The DaemonSets that have a Ready pod among these, as `namespace/name`, sorted; as many as a request may carry. */
export function readyDaemonSets(pods: readonly Pod[]): string[] {
  const names = pods.filter(isReady).flatMap((pod) => {
    const owner = controllerOf(pod);
    return owner?.kind === 'DaemonSet' ? `${pod.metadata.namespace}/${owner.name}` : [];
  });
  return [...new Set(names)].sort().slice(0, 256);
}

/** All has to hold for a while: the timer is forgotten by the first decision in which something is missing. */
function soaking({ timers, slot }: AttemptContext, soakMs: number): Lacking | null {
  if (soakMs === 0 || timers.expired(`soak/${slot.attemptID}`, soakMs)) return null;
  return {
    ...lacks('Soaking', 'The node is back and well; it has to stay so for a while (verification.soak).'),
    soaks: true,
  };
}

function lacks(code: string, message: string): Lacking {
  return { verdict: { code, message }, asks: [] };
}
