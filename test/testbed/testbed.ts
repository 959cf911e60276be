/**
 * The test bed: a real control plane on loopback, nodes that reboot, machines with agents, controllers.
 *
 * ```
 * const bed = await TestBed.start({ nodes: ['n1', 'n2'] });
 * …
 * await bed.stop();
 * ```
 */

import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiConstructor, type ApiType, CoreV1Api, type V1Node } from '@kubernetes/client-node';
import { binaries } from './build.ts';
import type { Api } from './cluster/api.ts';
import type { AuditLog } from './cluster/audit.ts';
import { ControlPlane, type ControlPlaneOptions } from './cluster/controlplane.ts';
import type { Identity } from './cluster/identity.ts';
import { type InstallOptions, installDrydock } from './cluster/install.ts';
import { applyArguments, type KubectlOptions, type KubectlResult, kubectl, succeeded } from './cluster/kubectl.ts';
import { requestToken, type ServiceAccountRef } from './cluster/tokens.ts';
import { type ControllerOptions, ControllerProcess } from './controller/controller.ts';
import { createNode, type NodeOptions, startKwok } from './kwok/kwok.ts';
import { Machine, type MachineOptions } from './machine/machine.ts';
import { makeOwnedFolder } from './process/owned.ts';
import type { SupervisedProcess } from './process/supervised.ts';
import { Prometheus, type PrometheusOptions } from './prometheus/prometheus.ts';
import type { ApiProxy } from './proxy/proxy.ts';
import { Timeline } from './timeline/timeline.ts';

export interface TestBedOptions extends ControlPlaneOptions {
  /** Nodes to create; more can follow with `createNode`. */
  nodes?: readonly string[];
}

export class TestBed {
  /** State and logs. Removed by `stop` unless `DRYDOCK_TESTBED_KEEP` is set. */
  readonly folder: string;
  readonly control: ControlPlane;
  /** The admin's client for what client-node models. */
  readonly core: CoreV1Api;
  #kwok: SupervisedProcess | undefined;
  readonly #cleanups: (() => Promise<void>)[] = [];

  private constructor(folder: string, control: ControlPlane) {
    this.folder = folder;
    this.control = control;
    this.core = this.client(CoreV1Api);
    this.onStop(() => control.stop());
  }

  /** Starts a control plane and kwok, and creates the nodes. Builds the programs first if they are missing. */
  static async start(options: TestBedOptions = {}): Promise<TestBed> {
    await binaries();
    const folder = makeOwnedFolder(join(tmpdir(), 'drydock-testbed'), 'bed-');
    const bed = new TestBed(folder, await ControlPlane.start(folder, options));
    try {
      bed.onStop(async () => bed.#kwok?.kill());
      await bed.#startKwok();
      await Promise.all((options.nodes ?? []).map((name) => bed.createNode(name)));
      return bed;
    } catch (error) {
      await bed.stop();
      throw error;
    }
  }

  /** Stops everything that was started through this bed, the last first. */
  async stop(): Promise<void> {
    const errors: unknown[] = [];
    for (const cleanup of this.#cleanups.splice(0).reverse()) {
      await cleanup().catch((error: unknown) => errors.push(error));
    }
    if (process.env.DRYDOCK_TESTBED_KEEP) console.error(`kept: ${this.folder}`);
    else rmSync(this.folder, { recursive: true, force: true });
    if (errors.length > 0) throw new AggregateError(errors, `the test bed did not stop cleanly: ${errors.join('; ')}`);
  }

  /** Has `cleanup` run by `stop`, before what was registered earlier. */
  onStop(cleanup: () => Promise<void>): void {
    this.#cleanups.push(cleanup);
  }

  get admin(): Identity {
    return this.control.admin;
  }

  /** The admin's plain connection. */
  get api(): Api {
    return this.control.api;
  }

  get audit(): AuditLog {
    return this.control.audit;
  }

  /** A client of client-node for `identity`, by default the admin. */
  client<T extends ApiType>(type: ApiConstructor<T>, identity = this.control.admin): T {
    return identity.config().makeApiClient(type);
  }

  /** Kills the API server: every connection to it breaks, new ones are refused. */
  async stopApiServer(): Promise<void> {
    await this.control.stopApiServer();
  }

  /** Starts the API server again, on the same port, and has the nodes come back at once. */
  async startApiServer(): Promise<void> {
    await this.control.startApiServer();
    // By itself kwok comes back as late as half a minute after an outage: its retries are ever further apart.
    await this.#kwok?.kill();
    await this.#startKwok();
  }

  /** Creates a node that kwok plays; resolves when it is Ready. */
  createNode(name: string, options?: NodeOptions): Promise<V1Node> {
    return createNode(this.core, name, options);
  }

  /** Creates a node with a machine behind it and an agent on that. Needs `installDrydock`, for the agent's account. */
  machine(name: string, options?: MachineOptions): Promise<Machine> {
    return Machine.create(this, name, options);
  }

  /** Starts a replica of the controller. Needs `installDrydock`, for its account. */
  async controller(options?: ControllerOptions): Promise<ControllerProcess> {
    const controller = await ControllerProcess.create(this, options);
    await controller.start();
    return controller;
  }

  /** Starts a Prometheus. */
  async prometheus(options?: PrometheusOptions): Promise<Prometheus> {
    const prometheus = await Prometheus.start(join(this.folder, 'prometheus'), options);
    this.onStop(() => prometheus.stop());
    return prometheus;
  }

  /** Records what happens in the cluster from now on. After `installDrydock`, or early NodeReboots may be missed. */
  timeline(): Promise<Timeline> {
    return Timeline.start(this);
  }

  /** Runs kubectl. An exit code other than 0 is a result, not an exception. */
  kubectl(args: readonly string[], options: KubectlOptions = {}): Promise<KubectlResult> {
    return kubectl(this.folder, options.as ?? this.admin, args, options.stdin);
  }

  /** Applies YAML, or the YAML file of that name, as the admin; throws what the server says against it. */
  async apply(yamlOrPath: string): Promise<void> {
    const { args, stdin } = applyArguments(yamlOrPath);
    succeeded('kubectl apply', await this.kubectl(args, stdin === undefined ? {} : { stdin }));
  }

  /** Applies the project's resource definitions and manifests; no pods run unless `workloads` is true. */
  installDrydock(options?: InstallOptions): Promise<void> {
    const run = async (args: string[], stdin = ''): Promise<string> =>
      succeeded(`kubectl ${args[0]}`, await this.kubectl(args, { stdin }));
    return installDrydock(run, options);
  }

  /**
   * An identity with a new token of a ServiceAccount, which must exist; with `node` the token is bound to that Node, and
   * with `proxy` it asks there.
   */
  async serviceAccount(account: ServiceAccountRef, node?: string, proxy?: ApiProxy): Promise<Identity> {
    const user = `system:serviceaccount:${account.namespace}:${account.name}`;
    const port = proxy === undefined ? undefined : new URL(proxy.server).port;
    const fileName = [account.namespace, account.name, node, port].filter((part) => part !== undefined).join('-');
    const token = await requestToken(this.api, account, node);
    return this.control.identity(user, { token }, fileName, proxy?.endpoint);
  }

  /** A door to the API server at which a controller's or an agent's requests can be held, dropped or refused. */
  async proxy(): Promise<ApiProxy> {
    const proxy = await this.control.openProxy();
    this.onStop(() => proxy.close());
    return proxy;
  }

  async #startKwok(): Promise<void> {
    this.#kwok = await startKwok(this.folder, await this.control.certificateIdentity('kwok', 'system:masters'));
  }
}
