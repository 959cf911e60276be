import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { KubeConfig } from '@kubernetes/client-node';
import { Command, Option } from 'commander';
import { CONTROLLER_MANAGER } from '../api/names.ts';
import { FencedTransport } from '../cluster/fence.ts';
import { KubeApi } from '../cluster/kubeApi.ts';
import { LEADER_TIMES, LeaderElection } from '../cluster/leader.ts';
import { secretReader } from '../cluster/secrets.ts';
import { Controller } from '../controller/controller.ts';
import type { AskGates } from '../controller/gateKeeper.ts';
import { DrydockOperator } from '../controller/operator.ts';
import type { Self } from '../core/model.ts';
import { GateSecrets } from '../gates/gateSecrets.ts';
import { PrometheusGate } from '../gates/prometheus.ts';
import { systemClock, systemRandom } from '../platform/clock.ts';
import { NodeHttpClient } from '../platform/http.ts';
import { type Routes, serve } from '../platform/httpServer.ts';
import { HttpsTransport } from '../platform/https.ts';
import { kubeConfigCredentials } from '../platform/kubeConfig.ts';
import { errorFields, type LogLevel } from '../telemetry/log.ts';
import { ControllerMetrics } from '../telemetry/metrics.ts';
import { winstonLog } from '../telemetry/winstonLog.ts';
import { healthRoutes } from './health.ts';
import { logLevelOption, wholeNumber } from './options.ts';
import { untilTerminated } from './signals.ts';
import { VERSION } from './version.ts';

/** Several renewals have to fit into the renew deadline, also when one of them meets a dead connection. */
const ELECTION_TIMEOUT_MS = 3_000;
/** A gate reads its Secrets before it is asked; it should not take much longer than the policy allows Prometheus. */
const SECRET_TIMEOUT_MS = 3_000;

interface ControllerFlags {
  kubeconfig?: string;
  namespace: string;
  identity: string;
  maxDisrupted: number;
  node?: string;
  pod?: string;
  metricsListen: string;
  logLevel: LogLevel;
}

export function controllerCommand(): Command {
  return new Command('controller')
    .description('Decide which nodes reboot when, and see each through it. Runs as a Deployment; one replica leads.')
    .option('--kubeconfig <path>', 'the cluster (default: KUBECONFIG, ~/.kube/config, or the pod it runs in)')
    .addOption(
      new Option('--namespace <name>', 'the namespace of the cluster lock').env('POD_NAMESPACE').default('drydock'),
    )
    .addOption(new Option('--identity <name>', 'this replica, in leader election').env('POD_NAME').default(hostname()))
    .addOption(
      new Option('--max-disrupted <nodes>', 'how many nodes may be out of service at a time, over all policies')
        .argParser(wholeNumber(1, 200))
        .default(1),
    )
    .addOption(
      new Option('--node <name>', 'the node that this replica runs on, which is rebooted last').env('NODE_NAME'),
    )
    .addOption(new Option('--pod <name>', 'the pod of this replica').env('POD_NAME'))
    .option('--metrics-listen <host:port>', 'where /metrics, /healthz and /readyz are served', ':8080')
    .addOption(logLevelOption())
    .action(runController);
}

async function runController(flags: ControllerFlags): Promise<void> {
  const { namespace, maxDisrupted } = flags;
  /** Unique for this process: a restarted one must not take the old one's leadership for its own. */
  const identity = `${flags.identity}_${randomUUID().slice(0, 8)}`;
  const log = winstonLog(flags.logLevel, { component: 'controller', identity });
  const clock = systemClock;
  const random = systemRandom;
  const metrics = new ControllerMetrics();
  const kubeConfig = loadKubeConfig(flags.kubeconfig);
  const transport = new HttpsTransport(kubeConfigCredentials(kubeConfig));
  const api = new KubeApi(transport, CONTROLLER_MANAGER);
  const onError = (error: unknown) => log.warn('leader election failed; it is tried again', errorFields(error));
  const election = new KubeApi(transport, CONTROLLER_MANAGER, ELECTION_TIMEOUT_MS);
  const leader = new LeaderElection({
    api: election,
    namespace,
    identity,
    times: LEADER_TIMES,
    clock,
    random,
    onError,
  });
  const fencedApi = new KubeApi(new FencedTransport(transport, () => leader.remainingMs), CONTROLLER_MANAGER);
  const controller = new Controller({
    api,
    fencedApi,
    leader,
    namespace,
    identity,
    maxDisrupted,
    self: selfOf(flags),
    askGates: gatesOver(new PrometheusGate(new NodeHttpClient(), secretsOver(transport, namespace))),
    newAttemptID: randomUUID,
    clock,
    random,
    log,
    metrics,
  });
  const server = await serve(flags.metricsListen, routesOf(controller, metrics));
  const operator = new DrydockOperator(kubeConfig, controller, log);
  log.info('controller started', { version: VERSION, listen: server.address, namespace, maxDisrupted });
  untilTerminated().addEventListener('abort', () => operator.stop());
  await operator.start();
  await operator.ended();
  server.close();
  log.info('controller stopped');
}

function routesOf(controller: Controller, { registry }: ControllerMetrics): Routes {
  return {
    ...healthRoutes(
      () => controller.healthy,
      () => controller.ready,
    ),
    '/metrics': async () => ({ status: 200, contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function gatesOver(prometheus: PrometheusGate): AskGates {
  return async (gates) => (gates.prometheus === undefined ? null : await prometheus.ask(gates.prometheus));
}

/** Outside a cluster there is no node of its own to look after. */
function selfOf({ node, pod, namespace }: ControllerFlags): Self | null {
  return node === undefined || pod === undefined ? null : { node, pod, namespace };
}

function secretsOver(transport: HttpsTransport, namespace: string): GateSecrets {
  return new GateSecrets(
    secretReader(new KubeApi(transport, CONTROLLER_MANAGER, SECRET_TIMEOUT_MS), namespace),
    namespace,
  );
}

function loadKubeConfig(file: string | undefined): KubeConfig {
  const kubeConfig = new KubeConfig();
  if (file === undefined) kubeConfig.loadFromDefault();
  else kubeConfig.loadFromFile(file);
  return kubeConfig;
}
