/** What an agent costs its node, and what the controller costs the cluster. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SupervisedProcess } from '../testbed/process/supervised.ts';
import { sleep, waitFor } from '../testbed/process/wait.ts';
import { type BenchCluster, inCluster } from './cluster.ts';
import type { Bench, Row } from './report.ts';

const NODES = 100;
/** Until what was needed for starting has been given back, as far as it is. */
const SETTLING_MS = 15_000;

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
  about: `memory of an agent, of a bare Node.js, and of a controller with ${NODES} nodes`,
  run: async (say) =>
    await inCluster(async (cluster) => {
      const h = cluster.harbour;
      const machine = await cluster.addMachine('n1');
      const bare = await SupervisedProcess.start({
        name: 'bare Node.js',
        command: process.execPath,
        args: ['-e', 'setInterval(()=>{},1e6)'],
        logFile: join(h.bed.folder, 'bare.log'),
      });
      h.bed.onStop(() => bare.kill());
      const controller = await cluster.startController();
      await h.applyPolicy();
      await addNodes(cluster, NODES - 1);
      await cluster.untilReported('n1');
      say(`${NODES} nodes; settling for ${SETTLING_MS / 1_000} s`);
      await sleep(SETTLING_MS);
      if (machine.agent === undefined) throw new Error('the agent does not run');
      const [agent, node] = [memoryOf(machine.agent.pid), memoryOf(bare.pid)];
      return [...agentRows(agent, node), controllerRow(memoryOf(controller.process.pid))];
    }),
};

async function addNodes({ harbour: h }: BenchCluster, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `fleet-${i}`);
  await Promise.all(names.map((name) => h.bed.createNode(name, { labels: { role: 'worker' } })));
  const all = () => names.every((name) => h.nodeReboot(name) !== undefined);
  await waitFor('a NodeReboot of each node', async () => all() || undefined, { timeoutMs: 60_000 });
}

function agentRows(agent: Memory, node: Memory): Row[] {
  return [
    {
      what: 'agent: private memory (RssAnon)',
      drydock: mib(agent.private),
      beside: `bare Node.js ${mib(node.private)}`,
      ratio: agent.private / node.private,
    },
    {
      what: 'agent: resident memory (RSS)',
      drydock: mib(agent.resident),
      beside: `bare Node.js ${mib(node.resident)}`,
      ratio: agent.resident / node.resident,
    },
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
