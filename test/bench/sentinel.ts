/** How soon the cluster knows that a node wants a reboot. */

import type { Machine } from '../testbed/machine/machine.ts';
import { sleep } from '../testbed/process/wait.ts';
import { type BenchCluster, inCluster, reportOf } from './cluster.ts';
import { duration, percentile } from './figures.ts';
import { type Bench, below } from './report.ts';

const SAMPLES = 20;
const GOAL_MS = 500;

export const sentinel: Bench = {
  name: 'sentinel',
  about: `sentinel touched → NodeReboot says so, ${SAMPLES} times`,
  run: async (say) =>
    await inCluster(async (cluster) => {
      const machine = await pausedMachine(cluster);
      const samples: number[] = [];
      while (samples.length < SAMPLES) samples.push(await once(cluster, machine));
      say(`${samples.join(' ')} ms`);
      const [p50, p99] = [percentile(samples, 0.5), percentile(samples, 0.99)];
      return [
        {
          what: 'sentinel touched → NodeReboot says so',
          drydock: `p50 ${duration(p50)}, p99 ${duration(p99)} (${SAMPLES} samples: p99 is the longest)`,
          beside: 'kured 1.23 at --period=1m: median 43 s to its cordon (measured elsewhere)',
          goal: below(GOAL_MS / 1_000, p99 / 1_000, ' s p99'),
        },
      ];
    }),
};

/** Under a policy that is paused, so that nothing but the report follows. */
async function pausedMachine(cluster: BenchCluster): Promise<Machine> {
  const h = cluster.harbour;
  const machine = await cluster.addMachine('n1');
  await cluster.startController();
  await h.applyPolicy();
  await h.annotate('rbp', 'workers', 'drydock.dev/pause=bench');
  await cluster.untilReported('n1');
  return machine;
}

async function once({ harbour: h }: BenchCluster, machine: Machine): Promise<number> {
  const reported = async (required: boolean, from: number) =>
    await h.until(
      `rebootRequired ${required}`,
      (entry) => reportOf(entry, machine.name)?.rebootRequired === required,
      from,
    );
  // The controller writes a verdict about half a second after each report; sometimes it meets the next report, as in life.
  await sleep(300 + Math.random() * 600);
  const mark = h.timeline.mark();
  const touched = Date.now();
  machine.requireReboot();
  const { at } = await reported(true, mark);
  machine.clearSentinel();
  await reported(false, h.timeline.mark());
  return at - touched;
}
