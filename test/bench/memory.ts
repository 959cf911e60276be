/** What an agent costs its node, and what the controller costs the cluster. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SupervisedProcess } from '../testbed/process/supervised.ts';
import { sleep, waitFor } from '../testbed/process/wait.ts';
import { type BenchCluster, inCluster } from './cluster.ts';
import { median } from './figures.ts';
import { atMost, type Bench, type Row } from './report.ts';

const NODES = 100;
/** So many agents, and so many bare Node.js, are started; their medians are told. */
const STARTS = 5;
/** Until what was needed for starting has been given back, as far as it is. */
const SETTLING_MS = 15_000;
/** The most that an agent is to have for itself, MiB. */
const MOST_PRIVATE = 16;

/** In MiB. */
interface Memory {
  /** Resident and of nobody else: what ending the process would give back. */
  private: number;
  /** Resident in all, files that are mapped included. */
  resident: number;
  /** The most that was ever resident. */
  peak: number;
}

export const memory: Bench = {
  name: 'memory',
  about: `memory of agents, of bare Node.js, and of a controller with ${NODES} nodes`,
  run: async (say) =>
    await inCluster(async (cluster) => {
      const names = Array.from({ length: STARTS }, (_, i) => `n${i}`);
      const machines = await Promise.all(names.map((name) => cluster.addMachine(name)));
      const bare = await Promise.all(names.map((name) => startBare(cluster, name)));
      const controller = await cluster.startController();
      await cluster.harbour.applyPolicy();
      await addNodes(cluster, NODES - STARTS);
      for (const name of names) await cluster.untilReported(name);
      say(`${NODES} nodes; settling for ${SETTLING_MS / 1_000} s`);
      await sleep(SETTLING_MS);
      const agents = machines.map(({ name, agent }) => {
        if (agent === undefined) throw new Error(`the agent of ${name} does not run`);
        return memoryOf(agent.pid);
      });
      const nodes = bare.map(({ pid }) => memoryOf(pid));
      return [...agentRows(agents, nodes), controllerRow(memoryOf(controller.process.pid))];
    }),
};

async function startBare({ harbour: { bed } }: BenchCluster, name: string): Promise<SupervisedProcess> {
  const bare = await SupervisedProcess.start({
    name: `bare Node.js ${name}`,
    command: process.execPath,
    args: ['-e', 'setInterval(()=>{},1e6)'],
    logFile: join(bed.folder, 'bare.log'),
  });
  bed.onStop(() => bare.kill());
  return bare;
}

async function addNodes({ harbour: h }: BenchCluster, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `fleet-${i}`);
  await Promise.all(names.map((name) => h.bed.createNode(name, { labels: { role: 'worker' } })));
  const all = () => names.every((name) => h.nodeReboot(name) !== undefined);
  await waitFor('a NodeReboot of each node', async () => all() || undefined, { timeoutMs: 60_000 });
}

function agentRows(agents: readonly Memory[], bare: readonly Memory[]): Row[] {
  const row = (what: string, field: keyof Memory) => {
    const [ours, theirs] = [agents, bare].map((all) => all.map((one) => one[field])) as [number[], number[]];
    return {
      what: `idle agent: ${what}, median of ${STARTS} starts`,
      drydock: `${mib(median(ours))} (at most ${mib(Math.max(...ours))})`,
      beside: `bare Node.js ${mib(median(theirs))}`,
      ratio: median(ours) / median(theirs),
    };
  };
  const own = median(agents.map((one) => one.private));
  return [
    { ...row('private memory (RssAnon)', 'private'), goal: atMost(MOST_PRIVATE, own, ' MiB') },
    row('resident memory (RSS)', 'resident'),
  ];
}

function controllerRow({ resident, peak, private: anonymous }: Memory): Row {
  return {
    what: `controller with ${NODES} nodes: resident memory`,
    drydock: `${mib(resident)} (private ${mib(anonymous)}, peak ${mib(peak)})`,
  };
}

function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1_024;
  return { private: field('RssAnon'), resident: field('VmRSS'), peak: field('VmHWM') };
}

function mib(value: number): string {
  return `${value.toFixed(1)} MiB`;
}
