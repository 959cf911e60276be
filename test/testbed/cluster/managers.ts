/** kube-controller-manager and kube-scheduler. */

import { request } from 'node:https';
import { join } from 'node:path';
import type { Binaries } from '../build.ts';
import { freePort } from '../process/ports.ts';
import { SupervisedProcess } from '../process/supervised.ts';
import type { Certificates } from './certificates.ts';
import type { Identity } from './identity.ts';

const START_TIMEOUT_MS = 60_000;

/** Starts a controller manager that declares a node lost after `graceSeconds` without a heartbeat. */
export async function startControllerManager(
  folder: string,
  binaries: Binaries,
  identity: Identity,
  certificates: Certificates,
  graceSeconds: number,
): Promise<SupervisedProcess> {
  return startManager(folder, 'kube-controller-manager', binaries, identity, [
    `--service-account-private-key-file=${certificates.serviceAccountKeyFile}`,
    `--root-ca-file=${certificates.caFile}`,
    // Each controller then asks under a name of its own, and is told apart in the audit log.
    '--use-service-account-credentials',
    '--node-monitor-period=1s',
    `--node-monitor-grace-period=${graceSeconds}s`,
  ]);
}

/** Starts a scheduler. */
export async function startScheduler(
  folder: string,
  binaries: Binaries,
  identity: Identity,
): Promise<SupervisedProcess> {
  return startManager(folder, 'kube-scheduler', binaries, identity, []);
}

async function startManager(
  folder: string,
  name: 'kube-controller-manager' | 'kube-scheduler',
  binaries: Binaries,
  identity: Identity,
  args: string[],
): Promise<SupervisedProcess> {
  const port = await freePort();
  const process = await SupervisedProcess.start({
    name,
    command: binaries[name],
    args: [
      `--kubeconfig=${identity.kubeconfig}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      // There is only one, and an election costs seconds.
      '--leader-elect=false',
      // With the defaults (20 and 30) the controller manager spends seconds of its start waiting for itself.
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
      ...args,
    ],
    logFile: join(folder, `${name}.log`),
  });
  try {
    await process.waitUntil('/healthz', START_TIMEOUT_MS, () => isHealthy(port));
  } catch (error) {
    await process.kill();
    throw error;
  }
  return process;
}

/** Its serving certificate is self-signed and made anew at each start, so there is nothing to check it against. */
function isHealthy(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path: '/healthz',
      rejectUnauthorized: false,
      agent: false,
      timeout: 2_000,
    };
    request(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .once('error', reject)
      .end();
  });
}
