/** How long a drain takes, beside kubectl's of an identical node. */

import { type BenchCluster, inCluster, isCordon } from './cluster.ts';
import { duration } from './figures.ts';
import { atMost, type Bench, type Row } from './report.ts';

const PODS = 100;
const GOAL = 0.3;

export const drain: Bench = {
  name: 'drain',
  about: `drain of ${PODS} pods with a grace period of 1 s, beside kubectl drain of an identical node`,
  run: async (say) =>
    await inCluster(async (cluster) => {
      await cluster.addMachine('n1', { labels: { load: 'n1' } });
      await cluster.harbour.bed.createNode('n2', { labels: { load: 'n2', role: 'spare' } });
      await cluster.load('n1', PODS);
      await cluster.load('n2', PODS);
      const ours = await byDrydock(cluster);
      say(`Drydock: ${duration(ours)}`);
      // Before kubectl breaks the rules that Drydock has to keep.
      cluster.harbour.assertInvariants();
      const theirs = await byKubectl(cluster);
      say(`kubectl: ${duration(theirs)}`);
      return [rowOf(ours, theirs)];
    }),
};

function rowOf(ours: number, theirs: number): Row {
  return {
    what: `drain of ${PODS} pods: cordon → drained`,
    drydock: `${duration(ours)}, until the reboot is requested`,
    beside: `kubectl drain ${duration(theirs)}`,
    ratio: ours / theirs,
    goal: atMost(GOAL, ours / theirs),
  };
}

/** From the cordon to the request to reboot, in milliseconds. */
async function byDrydock(cluster: BenchCluster): Promise<number> {
  const h = cluster.harbour;
  await cluster.startController();
  await h.applyPolicy();
  await cluster.untilReported('n1');
  const [machine] = h.machines;
  machine?.requireReboot();
  const cordon = await h.until('the cordon', (entry) => isCordon(entry, 'n1'));
  const request = await h.until('the request', ({ kind, object }) => {
    return kind === 'NodeReboot' && (object as { spec?: { reboot?: object } }).spec?.reboot !== undefined;
  });
  if (machine !== undefined) await h.untilBack(machine, 1);
  return request.at - cordon.at;
}

/** From the cordon to the end of kubectl, in milliseconds. */
async function byKubectl({ harbour: h }: BenchCluster): Promise<number> {
  await h.kubectl('drain', 'n2', '--ignore-daemonsets', '--delete-emptydir-data', '--force');
  const ended = Date.now();
  const cordon = await h.until('the cordon by kubectl', (entry) => isCordon(entry, 'n2'));
  return ended - cordon.at;
}
