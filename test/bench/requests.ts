/** What a whole reboot asks of the API server, from its audit log. */

import type { AuditedRequest } from '../testbed/cluster/audit.ts';
import { sleep } from '../testbed/process/wait.ts';
import { type BenchCluster, CONTROLLER, inCluster, isOfLeadership, summaryOf } from './cluster.ts';
import { atMost, type Bench, type Row } from './report.ts';

/** Pods on the node, the goal, and what kured 1.23 needed on a bed of the same kind. */
const CASES = [
  { pods: 10, goal: 45, kured: 41 },
  { pods: 100, goal: 140, kured: 226 },
];
const STATUS_GOAL = 5;
const EVENTS_GOAL = 4;

/** The last statuses are written a moment after the node is back in service. */
const AFTERWARDS_MS = 4_000;

export const requests: Bench = {
  name: 'requests',
  about: 'API requests of a whole reboot, by the controller and the agent',
  run: async (say) =>
    await inCluster(async (cluster) => {
      await cluster.addMachine('n10', { labels: { load: 'n10' } });
      await cluster.addMachine('n100', { labels: { load: 'n100' } });
      await cluster.load('n10', 10);
      await cluster.load('n100', 100);
      await cluster.startController();
      await cluster.harbour.applyPolicy();
      const rows: Row[] = [];
      for (const { pods, goal, kured } of CASES) {
        const counted = await ofReboot(cluster, `n${pods}`);
        say(`${pods} pods: ${summaryOf(counted)}`);
        rows.push(...rowsOf(pods, counted, goal, kured));
      }
      cluster.harbour.assertInvariants();
      return rows;
    }),
};

/** From the moment before the sentinel is touched until the node is back in service and nothing more is written. */
async function ofReboot(cluster: BenchCluster, node: string): Promise<AuditedRequest[]> {
  const h = cluster.harbour;
  const machine = h.machines.find(({ name }) => name === node);
  if (machine === undefined) throw new Error(`there is no machine ${node}`);
  await cluster.untilReported(node);
  await sleep(AFTERWARDS_MS);
  const since = Date.now();
  machine.requireReboot(['linux-image-6.8.0']);
  await h.untilBack(machine, 1);
  await sleep(AFTERWARDS_MS);
  return cluster.requests(since).filter((request) => !isOfLeadership(request));
}

function rowsOf(pods: number, counted: readonly AuditedRequest[], goal: number, kured: number): Row[] {
  const ours = counted.filter(({ user }) => user === CONTROLLER);
  const statuses = ours.filter(({ resource }) => resource.endsWith('/status'));
  const ofNodes = statuses.filter(({ resource }) => resource.startsWith('nodereboots')).length;
  const events = ours.filter(({ resource }) => resource === 'events');
  return [
    {
      what: `API requests of a reboot, ${pods} pods`,
      drydock: `${counted.length}`,
      beside: `kured 1.23: ${kured} (measured elsewhere)`,
      ratio: counted.length / kured,
      goal: atMost(goal, counted.length),
    },
    {
      what: `… status patches by the controller, ${pods} pods`,
      drydock: `${statuses.length} (NodeReboot ${ofNodes}, policy ${statuses.length - ofNodes})`,
      goal: atMost(STATUS_GOAL, statuses.length),
    },
    { what: `… Events, ${pods} pods`, drydock: `${events.length}`, goal: atMost(EVENTS_GOAL, events.length) },
  ];
}
