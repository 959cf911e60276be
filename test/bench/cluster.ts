/** A cluster of the test bed for one bench: the harbour of the end-to-end tests, with Drydock as it ships. */

import { Harbour } from '../e2e/support/harbour.ts';
import { deploy } from '../e2e/support/workload.ts';
import type { AuditedRequest } from '../testbed/cluster/audit.ts';
import { type ControllerProcess, controllerAccount } from '../testbed/controller/controller.ts';
import { agentAccount } from '../testbed/machine/agent.ts';
import type { Machine, MachineOptions } from '../testbed/machine/machine.ts';
import type { Command } from '../testbed/process/program.ts';
import { shipped } from '../testbed/process/shipped.ts';
import type { TimelineEntry } from '../testbed/timeline/timeline.ts';

export const CONTROLLER = `system:serviceaccount:${controllerAccount.namespace}:${controllerAccount.name}`;
export const AGENT = `system:serviceaccount:${agentAccount.namespace}:${agentAccount.name}`;

/** Runs a bench in a new cluster, and ends the cluster. */
export async function inCluster<T>(run: (cluster: BenchCluster) => Promise<T>): Promise<T> {
  const program = await shipped();
  const harbour = await Harbour.open();
  try {
    return await run(new BenchCluster(harbour, program));
  } finally {
    await harbour.close();
  }
}

export class BenchCluster {
  readonly harbour: Harbour;
  readonly #program: Command;

  constructor(harbour: Harbour, program: Command) {
    this.harbour = harbour;
    this.#program = program;
  }

  async addMachine(name: string, options: MachineOptions = {}): Promise<Machine> {
    return await this.harbour.addMachine(name, { ...options, program: this.#program });
  }

  async startController(): Promise<ControllerProcess> {
    return await this.harbour.startController({ program: this.#program, args: ['--log-level', 'info'] });
  }

  /** Puts pods with a grace period of 1 s on a node with the label `load`, and makes room for them elsewhere. */
  async load(node: string, pods: number): Promise<void> {
    await deploy(this.harbour, { name: `load-${node}`, replicas: pods, nodeSelector: { load: node } });
    await this.harbour.bed.createNode(`${node}-spare`, { labels: { load: node, role: 'spare' } });
  }

  /** Waits until the agent of a node has reported. */
  async untilReported(node: string): Promise<void> {
    await this.harbour.until(`a report from ${node}`, (entry) => reportOf(entry, node) !== undefined);
  }

  /** The requests of the controller and of all agents that were received since a time (ms since 1970). */
  requests(since: number): AuditedRequest[] {
    return this.harbour.bed.audit.requests({ since }).filter(({ user }) => user === CONTROLLER || user === AGENT);
  }
}

/** What an agent has reported, if the entry is about its node. */
export function reportOf({ kind, name, object }: TimelineEntry, node: string): Report | undefined {
  if (kind !== 'NodeReboot' || name !== node) return undefined;
  return (object as { status?: { agent?: Report } }).status?.agent;
}

interface Report {
  bootID: string;
  rebootRequired: boolean;
}

/** Whether an entry is a change by which a node becomes unschedulable. */
export function isCordon({ kind, object, previous }: TimelineEntry, node?: string): boolean {
  const unschedulable = (one: object | undefined) =>
    (one as { spec?: { unschedulable?: boolean } } | undefined)?.spec?.unschedulable === true;
  const right = kind === 'Node' && (node === undefined || object.metadata.name === node);
  return right && unschedulable(object) && !unschedulable(previous);
}

/** Counts by whom, what and of what, the most frequent first: for people who want to know where requests come from. */
export function summaryOf(requests: readonly AuditedRequest[]): string {
  const counts = new Map<string, number>();
  for (const { user, verb, resource, code } of requests) {
    const key = `${user === AGENT ? 'agent' : 'controller'} ${verb} ${resource}${code >= 400 ? ` (${code})` : ''}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([key, count]) => `${count} ${key}`).join(', ');
}

const WRITES: readonly string[] = ['create', 'update', 'patch', 'delete'];

export function isWrite({ verb }: AuditedRequest): boolean {
  return WRITES.includes(verb);
}

/** What a controller does whether or not there is work: renewing its leadership, and watching the lock. */
export function isOfLeadership({ resource, name, verb }: AuditedRequest): boolean {
  return resource === 'leases' && (name === 'drydock-leader' || verb === 'watch');
}
