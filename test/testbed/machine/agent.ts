/** The agent's process. */

import { ApiError } from '../cluster/api.ts';
import type { Command } from '../process/program.ts';
import { SupervisedProcess } from '../process/supervised.ts';
import { waitFor } from '../process/wait.ts';
import type { TestBed } from '../testbed.ts';
import type { Machine, MachineOptions } from './machine.ts';

/** The ServiceAccount of the agents; `installDrydock` makes it. */
export const agentAccount = { namespace: 'drydock-agents', name: 'drydock-agent' } as const;

/** How long an API server may be away when an agent is started, in milliseconds. */
const TOKEN_TIMEOUT_MS = 60_000;

export async function startAgent(
  bed: TestBed,
  machine: Machine,
  [program, ...first]: Command,
  { agentArgs = [], proxy }: MachineOptions,
): Promise<SupervisedProcess> {
  const tokenFile = await makeTokenFile(bed, machine.name);
  const options = {
    'node-name': machine.name,
    sentinel: machine.files.sentinel,
    'boot-id-file': machine.files.bootIdFile,
    'uptime-file': machine.files.uptimeFile,
    'rebooter-socket': machine.rebooter.socketPath,
    server: proxy?.server ?? bed.control.server,
    'ca-file': bed.control.endpoint.caFile,
    'token-file': tokenFile,
    'health-listen': '127.0.0.1:0',
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  return SupervisedProcess.start({
    name: `agent of ${machine.name}`,
    command: program,
    args: [...first, 'agent', ...args, ...agentArgs],
    logFile: machine.agentLogFile,
  });
}

async function makeTokenFile(bed: TestBed, node: string): Promise<string> {
  let missing: string | undefined;
  const request = async (): Promise<string | undefined> => {
    try {
      return (await bed.serviceAccount(agentAccount, node)).tokenFile;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) missing = `${error.message} (installDrydock() makes it)`;
      throw error;
    }
  };
  const options = { timeoutMs: TOKEN_TIMEOUT_MS, everyMs: 250, giveUp: () => missing };
  return waitFor(`a token for the agent of ${node}`, request, options);
}
