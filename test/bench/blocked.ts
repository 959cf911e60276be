/** How often the API server is asked for an eviction that a PodDisruptionBudget refuses. */

import { sleep, waitFor } from '../testbed/process/wait.ts';
import { CONTROLLER, inCluster, isOfLeadership, isWrite, summaryOf } from './cluster.ts';
import type { Bench } from './report.ts';

const WINDOW_MS = 60_000;
const GOAL_PER_SECOND = 0.2;

export const blocked: Bench = {
  name: 'blocked',
  about: 'evictions of one pod that a PodDisruptionBudget blocks',
  countsOnly: true,
  run: async (say) =>
    await inCluster(async (cluster) => {
      const h = cluster.harbour;
      await h.addSpareNode();
      const machine = await cluster.addMachine('n1');
      await h.deploy({ name: 'db', replicas: 2, minAvailable: 1, nodeSelector: { role: 'worker' } });
      await cluster.startController();
      await h.applyPolicy();
      await cluster.untilReported('n1');
      machine.requireReboot();
      // Of two pods one may go; nothing takes its place on the cordoned node, so from then on the other one may not.
      const filter = { user: CONTROLLER, resource: 'pods/eviction', code: 429 };
      const first = await waitFor('the first refusal', async () => h.bed.audit.requests(filter)[0], {
        timeoutMs: 60_000,
      });
      say(`counting for ${WINDOW_MS / 1_000} s`);
      await sleep(first.at + WINDOW_MS - Date.now());
      const times = h.bed.audit.requests(filter).map(({ at }) => at - first.at);
      const inWindow = times.filter((ms) => ms < WINDOW_MS);
      const halves = [0, 1].map(
        (half) => inWindow.filter((ms) => Math.floor((2 * ms) / WINDOW_MS) === half).length,
      ) as [number, number];
      const late = cluster.requests(first.at + WINDOW_MS / 2).filter((request) => !isOfLeadership(request));
      say(`evictions after ${inWindow.map((ms) => (ms / 1_000).toFixed(0)).join(', ')} s`);
      say(`requests of the second half: ${summaryOf(late) || 'none'}`);
      const rate = inWindow.length / (WINDOW_MS / 1_000);
      const writes = late.filter((request) => isWrite(request) && request.resource !== 'pods/eviction').length;
      return [
        {
          what: 'evictions while a PDB blocks one pod, 60 s',
          drydock: `${rate.toFixed(2)}/s (${halves.join(', then ')} in each half)`,
          beside: 'kured 1.23: 5.0/s, kubectl drain: 0.2/s (measured elsewhere)',
          ratio: rate / 5,
          goal: {
            text: `≤ ${GOAL_PER_SECOND}/s, falling`,
            met: rate <= GOAL_PER_SECOND && halves[1] < halves[0],
          },
        },
        { what: '… other writes in the second half', drydock: `${writes}` },
      ];
    }),
};
