import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { Agent } from '../agent/agent.ts';
import { stoppedParts } from '../agent/health.ts';
import { nodeClaimOf } from '../agent/nodeClaim.ts';
import { NodeFiles } from '../agent/nodeFiles.ts';
import { WatchedNodeReboot } from '../agent/ownNodeReboot.ts';
import { RebooterSocket } from '../agent/rebooterSocket.ts';
import { SentinelFiles } from '../agent/sentinelFiles.ts';
import { AGENT_MANAGER } from '../api/names.ts';
import { KubeApi } from '../cluster/kubeApi.ts';
import { systemClock, systemRandom } from '../platform/clock.ts';
import { serve } from '../platform/httpServer.ts';
import { HttpsTransport } from '../platform/https.ts';
import { SERVICE_ACCOUNT, serviceAccountCredentials } from '../platform/serviceAccount.ts';
import { errorFields, type LogLevel } from '../telemetry/log.ts';
import { plainLog } from '../telemetry/plainLog.ts';
import { healthRoutes } from './health.ts';
import { apiServerURL, logLevelOption } from './options.ts';
import { untilTerminated } from './signals.ts';
import { VERSION } from './version.ts';

interface AgentFlags {
  nodeName: string;
  sentinel: string[];
  bootIdFile: string;
  uptimeFile: string;
  rebooterSocket: string;
  server?: URL;
  caFile: string;
  tokenFile: string;
  healthListen: string;
  logLevel: LogLevel;
}

export function agentCommand(): Command {
  return new Command('agent')
    .description(
      'Watch this node for a reboot sentinel, and have it rebooted when the controller asks. Runs as a DaemonSet.',
    )
    .addOption(
      new Option('--node-name <name>', 'the node that this agent runs on').env('NODE_NAME').makeOptionMandatory(),
    )
    .option('--sentinel <path...>', 'files whose presence requires a reboot', ['/run/reboot-required'])
    .option('--boot-id-file <path>', 'where the kernel says which boot this is', '/proc/sys/kernel/random/boot_id')
    .option('--uptime-file <path>', 'where the kernel counts seconds since boot', '/proc/uptime')
    .option('--rebooter-socket <path>', 'the Unix socket of the rebooter', '/run/drydock/rebooter.sock')
    .addOption(new Option('--server <url>', 'the API server (default: of the pod it runs in)').argParser(apiServerURL))
    .option('--ca-file <path>', "the API server's CA", `${SERVICE_ACCOUNT}/ca.crt`)
    .option('--token-file <path>', 'the service account token, bound to this node', `${SERVICE_ACCOUNT}/token`)
    .option('--health-listen <host:port>', 'where /healthz and /readyz are served', ':8081')
    .addOption(logLevelOption())
    .action(runAgent);
}

async function runAgent(flags: AgentFlags): Promise<void> {
  const { nodeName, caFile, tokenFile } = flags;
  const clock = systemClock;
  const context = { component: 'agent', node: nodeName };
  const log = plainLog(flags.logLevel, context, clock, (line) => process.stdout.write(line));
  const random = systemRandom;
  const claim = nodeClaimOf(await readFile(tokenFile, 'utf8'));
  if (claim.name !== nodeName)
    throw new Error(`the token is bound to node ${claim.name}, but --node-name says ${nodeName}`);
  const transport = new HttpsTransport(
    serviceAccountCredentials({ server: flags.server ?? serverOfPod(), caFile, tokenFile }, clock),
  );
  const onError = (error: unknown) => log.warn('watching the NodeReboot failed; it is tried again', errorFields(error));
  const own = new WatchedNodeReboot({
    api: new KubeApi(transport, AGENT_MANAGER),
    name: nodeName,
    clock,
    random,
    onChange: () => agent.poke(),
    onError,
  });
  const agent = new Agent({
    own,
    node: new NodeFiles(flags.bootIdFile, flags.uptimeFile),
    sentinels: new SentinelFiles(flags.sentinel, log),
    rebooter: new RebooterSocket(flags.rebooterSocket, clock),
    // Read anew each time: the token is rotated, and after its Node was made anew it names another one.
    nodeUID: async () => nodeClaimOf(await readFile(tokenFile, 'utf8')).uid,
    version: VERSION,
    clock,
    random,
    log,
  });
  const healthy = () => {
    const stopped = stoppedParts({ loop: agent.roundAt, watch: own.signAt }, clock.monotonic());
    if (stopped.length > 0) log.error('parts of the agent have come to a stop', { stopped });
    return stopped.length === 0;
  };
  const health = await serve(
    flags.healthListen,
    healthRoutes(healthy, () => own.synced),
  );
  log.info('agent started', { version: VERSION, health: health.address, sentinels: flags.sentinel });
  const signal = untilTerminated();
  signal.addEventListener('abort', () => own.stop());
  await Promise.all([own.run(), agent.run(signal)]);
  log.info('agent stopped');
}

function serverOfPod(): URL {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  if (!host || !port) throw new Error('not in a pod: say with --server where the API server is');
  return new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
}
