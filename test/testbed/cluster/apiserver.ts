/** etcd and kube-apiserver. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Binaries } from '../build.ts';
import { freePort } from '../process/ports.ts';
import { SupervisedProcess } from '../process/supervised.ts';
import { sleep } from '../process/wait.ts';
import { AuditLog, auditPolicy } from './audit.ts';
import type { Certificates } from './certificates.ts';

/** Cold and beside other work the API server has needed 6 s. */
const START_TIMEOUT_MS = 60_000;
const MOST_TRIES = 5;

/** Starts an etcd in `folder` and returns it and its URL. It is not waited for: the API server waits by itself. */
export async function startEtcd(folder: string, { etcd }: Binaries): Promise<[SupervisedProcess, string]> {
  const [client, peer] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`) as [
    string,
    string,
  ];
  const process = await SupervisedProcess.start({
    name: 'etcd',
    command: etcd,
    args: [
      `--data-dir=${join(folder, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      // The data need not survive a power cut, and a sync takes milliseconds.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    logFile: join(folder, 'etcd.log'),
  });
  return [process, client];
}

/** An API server that can be stopped and started again on the same port, with the same etcd. */
export class ApiServer {
  /** e.g. `https://127.0.0.1:20001`; the same for all its life. */
  readonly server: string;
  readonly audit: AuditLog;
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #logFile: string;
  #process: SupervisedProcess | undefined;

  /** `folder` gets the log and the audit log. */
  constructor(folder: string, binaries: Binaries, etcdUrl: string, port: number, certificates: Certificates) {
    const auditFile = join(folder, 'audit.log');
    this.server = `https://127.0.0.1:${port}`;
    this.audit = new AuditLog(auditFile);
    this.#command = binaries['kube-apiserver'];
    this.#logFile = join(folder, 'kube-apiserver.log');
    this.#args = [
      `--etcd-servers=${etcdUrl}`,
      `--secure-port=${port}`,
      ...fixedArgs,
      ...certificateArgs(certificates),
      ...auditArgs(folder, auditFile),
    ];
  }

  /** Starts it and waits until it is ready. After a restart its port may be taken for another moment. */
  async start(isReady: () => Promise<boolean>): Promise<void> {
    if (this.#process?.running) throw new Error('the API server is already running');
    for (let tries = 1; ; tries++) {
      try {
        return await this.#startOnce(isReady);
      } catch (error) {
        const portTaken = error instanceof Error && error.message.includes('address already in use');
        if (!portTaken || tries === MOST_TRIES) throw error;
        await sleep(1_000);
      }
    }
  }

  async #startOnce(isReady: () => Promise<boolean>): Promise<void> {
    this.#process = await SupervisedProcess.start({
      name: 'kube-apiserver',
      command: this.#command,
      args: this.#args,
      logFile: this.#logFile,
    });
    await this.#process.waitUntil('/readyz', START_TIMEOUT_MS, isReady);
  }

  /** Kills it: an orderly end takes seconds in which it keeps its port. */
  async stop(): Promise<void> {
    await this.#process?.kill();
  }

  get process(): SupervisedProcess {
    if (this.#process === undefined) throw new Error('the API server has not been started');
    return this.#process;
  }
}

const fixedArgs = [
  '--bind-address=127.0.0.1',
  // Without these two it looks for the address of a default route, which a machine need not have.
  '--advertise-address=127.0.0.1',
  '--endpoint-reconciler-type=none',
  '--service-cluster-ip-range=10.96.0.0/16',
  '--service-account-issuer=https://kubernetes.default.svc',
  '--authorization-mode=Node,RBAC',
  '--enable-admission-plugins=NodeRestriction',
  '--allow-privileged=true',
];

function certificateArgs(certificates: Certificates): string[] {
  return [
    `--client-ca-file=${certificates.caFile}`,
    `--tls-cert-file=${certificates.serverCertFile}`,
    `--tls-private-key-file=${certificates.serverKeyFile}`,
    `--service-account-key-file=${certificates.serviceAccountPublicKeyFile}`,
    `--service-account-signing-key-file=${certificates.serviceAccountKeyFile}`,
  ];
}

function auditArgs(folder: string, auditFile: string): string[] {
  mkdirSync(folder, { recursive: true });
  const policyFile = join(folder, 'audit-policy.json');
  writeFileSync(policyFile, JSON.stringify(auditPolicy));
  // Large enough never to be rotated: the reader follows one file.
  return [`--audit-policy-file=${policyFile}`, `--audit-log-path=${auditFile}`, '--audit-log-maxsize=10000'];
}
