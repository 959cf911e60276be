import type { Verdict } from '../model.ts';
import { isDeleted } from '../policy/owners.ts';
import { scheduleAt } from '../policy/schedule.ts';
import { matches } from '../policy/selector.ts';
import { stopped } from '../queue/pause.ts';
import { stopsOf } from '../queue/stops.ts';
import type { LiveContext } from './progress.ts';

/** A reason to give up an attempt that the agent has not accepted. */
type Check = (context: LiveContext) => Verdict | null;

/** Why the attempt is to be given up now; null to go on. */
export function interruption(context: LiveContext): Verdict | null {
  for (const check of CHECKS) {
    const verdict = check(context);
    if (verdict !== null) return verdict;
  }
  return null;
}

const CHECKS: readonly Check[] = [
  /** People come first. */
  ({ snapshot, node, nodeReboot, policy }) => {
    const { now } = snapshot;
    const stops = stopsOf(snapshot.namespaceAnnotations, policy, node, nodeReboot);
    return stops.map((stop) => stopped(stop, now)).find((verdict) => verdict !== null) ?? null;
  },
  ({ cordon, attempt }) => {
    const lifted = cordon.whose === 'lifted' || (attempt.cordonedBefore === true && cordon.whose === 'none');
    if (lifted) return verdict('CordonLifted', 'Somebody has uncordoned the node.');
    const cordoned = cordon.whose === 'foreign' && attempt.cordonedBefore === false;
    if (cordoned) return verdict('CordonTaken', 'Somebody else has cordoned the node since the attempt began.');
    if (cordon.whose === 'taken') return verdict('CordonTaken', 'Somebody else has cordoned the node anew.');
    return null;
  },
  ({ policy, node, owner }) => {
    if (policy === undefined || isDeleted(policy))
      return verdict('PolicyGone', 'The policy of the attempt has been deleted.');
    if (policy.spec.mode !== 'Enforce') return verdict('ReportOnly', 'The policy has been set to Report.');
    if (!matches(policy.spec.nodeSelector, node.labels))
      return verdict('NotSelected', 'The policy no longer selects the node.');
    return owner === policy.metadata.uid ? null : verdict('NotSelected', 'Another policy owns the node now.');
  },
  ({ nodeReboot, attempt }) =>
    attempt.trigger === 'Sentinel' && nodeReboot.status?.agent?.rebootRequired === false
      ? verdict('SentinelGone', 'The node no longer requires a reboot.')
      : null,
  ({ node, slot }) =>
    node.bootID !== '' && node.bootID !== slot.fromBootID
      ? verdict('BootChanged', 'The node has rebooted without having been asked.')
      : null,
  ({ halted }) => halted,
  /** The attempt's own copy of the schedule: edits apply to the next attempt. */
  ({ rules, snapshot, timers, attempt }) => {
    const state = scheduleAt(rules.schedule, snapshot.now);
    if (!state.open) {
      const overruled = attempt.trigger === 'Person' && state.code === 'OutsideWindow';
      return overruled ? null : verdict(state.code, state.message);
    }
    if (state.until !== null) timers.wakeIn(state.until - snapshot.now);
    return null;
  },
];

function verdict(code: string, message: string): Verdict {
  return { code, message };
}
