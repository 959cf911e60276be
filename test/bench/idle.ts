/** What is asked of the API server while nothing happens. */

import type { AuditedRequest } from '../testbed/cluster/audit.ts';
import { sleep } from '../testbed/process/wait.ts';
import { AGENT, type BenchCluster, CONTROLLER, inCluster, isOfLeadership, isWrite, summaryOf } from './cluster.ts';
import { atMost, type Bench, type Row } from './report.ts';

const WINDOW_MS = 60_000;
const PER_HOUR = 3_600_000 / WINDOW_MS;

/** Until everything that follows from the beginning has been written. */
const SETTLING_MS = 6_000;

export const idle: Bench = {
  name: 'idle',
  about: `API requests of ${WINDOW_MS / 1_000} s in which nothing happens`,
  countsOnly: true,
  run: async (say) =>
    await inCluster(async (cluster) => {
      await settle(cluster);
      say(`counting for ${WINDOW_MS / 1_000} s`);
      const since = Date.now();
      await sleep(WINDOW_MS);
      const counted = cluster.requests(since);
      say(`counted: ${summaryOf(counted) || 'nothing'}`);
      return [
        agentRow('an idle agent', 'n1', cluster, counted, '0, and it knows nothing until its next tick'),
        agentRow('an agent that waits for its turn', 'n2', cluster, counted, '180 at --period=1m'),
        controllerRow(counted),
      ];
    }),
};

/** n1 has nothing to do; n2 requires a reboot and does not get one. */
async function settle(cluster: BenchCluster): Promise<void> {
  const h = cluster.harbour;
  await h.addSpareNode();
  await cluster.addMachine('n1');
  const waiting = await cluster.addMachine('n2');
  await cluster.startController();
  await h.applyPolicy();
  await h.annotate('rbp', 'workers', 'drydock.dev/pause=bench');
  await cluster.untilReported('n1');
  await cluster.untilReported('n2');
  waiting.requireReboot(['linux-image-6.8.0']);
  await h.untilVerdict('n2', 'Paused');
  await sleep(SETTLING_MS);
}

function agentRow(
  what: string,
  node: string,
  cluster: BenchCluster,
  counted: readonly AuditedRequest[],
  kured: string,
): Row {
  const own = ({ user, name }: AuditedRequest) => user === AGENT && name === node;
  const inWindow = counted.filter(own).length;
  const watches = cluster.requests(0).filter((request) => own(request) && request.verb === 'watch');
  const again = 3_600 / watchSeconds(watches);
  return {
    what: `API requests of ${what}, per hour`,
    drydock: `${inWindow * PER_HOUR} (${inWindow} in 60 s) + ${again.toFixed(1)} re-watches`,
    beside: `kured 1.23: ${kured} (measured elsewhere)`,
    goal: atMost(2, inWindow * PER_HOUR + again),
  };
}

/** How long the agent has asked the server to keep its watch open. */
function watchSeconds(watches: readonly AuditedRequest[]): number {
  const asked = new URL(watches.at(-1)?.uri ?? '', 'https://server').searchParams.get('timeoutSeconds');
  if (asked === null) throw new Error('no watch with a time-out was seen');
  return Number(asked);
}

function controllerRow(counted: readonly AuditedRequest[]): Row {
  const ours = counted.filter((request) => request.user === CONTROLLER && !isOfLeadership(request));
  const writes = ours.filter(isWrite).length;
  return {
    what: 'writes of an idle controller in 60 s, renewals aside',
    drydock: `${writes} (and ${ours.length - writes} reads)`,
    goal: atMost(0, writes),
  };
}
