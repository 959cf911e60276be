/** How long nobody is being rebooted between one node and the next. */

import type { Machine } from '../testbed/machine/machine.ts';
import type { Timeline, TimelineEntry } from '../testbed/timeline/timeline.ts';
import { inCluster, isCordon, reportOf } from './cluster.ts';
import { duration, median } from './figures.ts';
import { type Bench, below } from './report.ts';

const MACHINES = 6;
const GOAL_MS = 500;

/** What happened at the end of one reboot, in milliseconds since 1970. */
interface Handover {
  /** The node was Ready with its new boot ID. */
  ready: number;
  /** Its agent had reported the new boot ID as well, without which no node is handed back. */
  agentBack: number;
  /** The next node was cordoned. */
  next: number;
}

export const handover: Bench = {
  name: 'handover',
  about: `node Ready again → next node cordoned, in a roll of ${MACHINES}`,
  run: async (say) =>
    await inCluster(async (cluster) => {
      const h = cluster.harbour;
      await h.addSpareNode();
      for (let i = 1; i <= MACHINES; i += 1) await cluster.addMachine(`n${i}`);
      await cluster.startController();
      await h.applyPolicy();
      for (const { name } of h.machines) await cluster.untilReported(name);
      for (const machine of h.machines) machine.requireReboot(['linux-image-6.8.0']);
      for (const machine of h.machines) await h.untilBack(machine, 1);
      h.assertInvariants();
      const all = handovers(h.timeline, h.machines);
      const fromReady = all.map(({ ready, next }) => next - ready);
      const fromAgent = all.map(({ ready, agentBack, next }) => next - Math.max(ready, agentBack));
      say(`from Ready: ${fromReady.join(' ')} ms; from Ready and agent back: ${fromAgent.join(' ')} ms`);
      return [
        {
          what: 'node Ready again → next node cordoned',
          drydock: `median ${duration(median(fromReady))} of ${all.length}`,
          beside: 'kured 1.23 at --period=1m: median 77 s (measured elsewhere)',
          goal: below(GOAL_MS / 1_000, median(fromReady) / 1_000, ' s'),
        },
        {
          what: '… of which after its agent was back as well',
          drydock: `median ${duration(median(fromAgent))}`,
        },
      ];
    }),
};

/** One for each node but the last. */
function handovers(timeline: Timeline, machines: readonly Machine[]): Handover[] {
  return machines.flatMap(({ name, bootIds }) => {
    const bootID = bootIds.at(-1) ?? '';
    const { entries } = timeline;
    const ready = entries.find((entry) => entry.kind === 'Node' && entry.name === name && isReadyIn(entry, bootID));
    const agent = entries.find((entry) => reportOf(entry, name)?.bootID === bootID);
    const next = entries.find((entry) => isCordon(entry) && entry.at > (ready?.at ?? 0));
    if (ready === undefined || agent === undefined) throw new Error(`${name} did not come back`);
    return next === undefined ? [] : [{ ready: ready.at, agentBack: agent.at, next: next.at }];
  });
}

function isReadyIn({ object }: TimelineEntry, bootID: string): boolean {
  const { status } = object as {
    status?: { nodeInfo?: { bootID?: string }; conditions?: { type: string; status: string }[] };
  };
  const ready = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return status?.nodeInfo?.bootID === bootID && ready === true;
}
