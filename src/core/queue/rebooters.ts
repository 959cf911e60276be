import type { Snapshot, Verdict } from '../model.ts';
import type { Rules } from '../policy/rules.ts';

/** Whatever else in the cluster reboots nodes as well, in words; empty if nothing was found. */
export function otherRebooters({ daemonSets, otherLocks }: Pick<Snapshot, 'daemonSets' | 'otherLocks'>): string[] {
  const found = [...daemonSets].flatMap(([name, { rebooter }]) =>
    rebooter === '' ? [] : `the DaemonSet ${name} (${rebooter})`,
  );
  const drydocks = otherLocks.map((namespace) => `the Drydock of namespace ${namespace} (its Lease drydock-lock)`);
  return [...found, ...drydocks].sort();
}

/** Two that reboot nodes without knowing of each other would disrupt more than either allows. */
export function otherRebooter(rules: Rules | null, snapshot: Snapshot): Verdict | null {
  if (rules?.mode !== 'Enforce' || rules.otherRebooters === 'Ignore') return null;
  const found = otherRebooters(snapshot);
  if (found.length === 0) return null;
  const message = `Something else in the cluster reboots nodes as well: ${found.slice(0, 5).join(', ')}. Remove it, or set otherRebooters: Ignore if this is meant.`;
  return { code: 'OtherRebooter', message };
}
