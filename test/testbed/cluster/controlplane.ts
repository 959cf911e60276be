/** A Kubernetes control plane on loopback, of the real programs. */

import { join } from 'node:path';
import { type Binaries, binaries } from '../build.ts';
import { freePort } from '../process/ports.ts';
import type { SupervisedProcess } from '../process/supervised.ts';
import { waitFor } from '../process/wait.ts';
import { ApiProxy } from '../proxy/proxy.ts';
import { Api } from './api.ts';
import { ApiServer, startEtcd } from './apiserver.ts';
import type { AuditLog } from './audit.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { type Credentials, type Endpoint, type Identity, makeIdentity } from './identity.ts';
import { startControllerManager, startScheduler } from './managers.ts';

export interface ControlPlaneOptions {
  /** Time without a heartbeat after which a node counts as lost, in seconds. Default 8. */
  nodeMonitorGraceSeconds?: number;
}

/** etcd, kube-apiserver (Node and RBAC authorization, NodeRestriction, audit), kube-controller-manager, kube-scheduler. */
export class ControlPlane {
  /** A member of system:masters. */
  readonly admin: Identity;
  /** The admin's raw connection. */
  readonly api: Api;
  readonly endpoint: Endpoint;
  readonly #folder: string;
  readonly #apiServer: ApiServer;
  readonly #certificates: Certificates;
  readonly #processes: SupervisedProcess[];

  private constructor(folder: string, parts: Parts, admin: Identity) {
    this.#folder = folder;
    this.#apiServer = parts.apiServer;
    this.#certificates = parts.certificates;
    this.#processes = [parts.etcd];
    this.endpoint = parts.endpoint;
    this.admin = admin;
    this.api = new Api(admin);
  }

  /** Starts everything, with state and logs in `folder`, and waits until pods can be created: about 4 s. */
  static async start(folder: string, options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const programs = await binaries();
    const [certificates, [etcd, etcdUrl]] = await Promise.all([
      makeCertificates(join(folder, 'certificates')),
      startEtcd(folder, programs),
    ]);
    const apiServer = new ApiServer(folder, programs, etcdUrl, await freePort(), certificates);
    const endpoint = { server: apiServer.server, caFile: certificates.caFile, ca: certificates.ca };
    const parts = { apiServer, certificates, etcd, endpoint };
    const adminCredentials = await certificates.client('admin', 'system:masters');
    const admin = makeIdentity(join(folder, 'identities'), 'admin', 'admin', endpoint, adminCredentials);
    const control = new ControlPlane(folder, parts, admin);
    try {
      await control.startApiServer();
      await control.#startManagers(programs, options.nodeMonitorGraceSeconds ?? 8);
      return control;
    } catch (error) {
      await control.stop();
      throw error;
    }
  }

  get server(): string {
    return this.endpoint.server;
  }

  get audit(): AuditLog {
    return this.#apiServer.audit;
  }

  /** Starts the API server again, on the same port, after `stopApiServer`. */
  async startApiServer(): Promise<void> {
    await this.#apiServer.start(async () => (await this.api.send('/readyz', { timeoutMs: 5_000 })).status === 200);
  }

  /** Kills the API server: every connection to it breaks, new ones are refused. */
  async stopApiServer(): Promise<void> {
    await this.#apiServer.stop();
  }

  /** An identity with a client certificate. */
  async certificateIdentity(user: string, ...groups: string[]): Promise<Identity> {
    return this.identity(user, await this.#certificates.client(user, ...groups));
  }

  /** An identity with the given credentials; its files are named after the user, and lead to `endpoint`. */
  identity(
    user: string,
    credentials: Credentials,
    fileName = user.replaceAll(':', '-'),
    endpoint = this.endpoint,
  ): Identity {
    return makeIdentity(join(this.#folder, 'identities'), fileName, user, endpoint, credentials);
  }

  /** Another door to the API server. */
  async openProxy(): Promise<ApiProxy> {
    return await ApiProxy.open(this.endpoint, this.#certificates);
  }

  /** Kills everything. */
  async stop(): Promise<void> {
    this.api.close();
    await Promise.all([this.#apiServer.stop(), ...this.#processes.map((process) => process.kill())]);
  }

  async #startManagers(programs: Binaries, graceSeconds: number): Promise<void> {
    const [manager, scheduler] = await Promise.all([
      this.certificateIdentity('system:kube-controller-manager'),
      this.certificateIdentity('system:kube-scheduler'),
    ]);
    const started = await Promise.all([
      startControllerManager(this.#folder, programs, manager, this.#certificates, graceSeconds),
      startScheduler(this.#folder, programs, scheduler),
    ]);
    this.#processes.push(...started);
    await this.#canCreatePods(started[0]);
  }

  /** Pods are refused until the controller manager has made their namespace's default ServiceAccount. */
  async #canCreatePods(manager: SupervisedProcess): Promise<void> {
    const account = '/api/v1/namespaces/default/serviceaccounts/default';
    await waitFor('the default ServiceAccount', async () => (await this.api.send(account)).status === 200, {
      timeoutMs: 30_000,
      explain: () => manager.logTail(),
    });
  }
}

interface Parts {
  apiServer: ApiServer;
  certificates: Certificates;
  etcd: SupervisedProcess;
  endpoint: Endpoint;
}
