import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Agent } from '../../src/agent/agent.ts';
import { nodeClaimOf } from '../../src/agent/nodeClaim.ts';
import { WatchedNodeReboot } from '../../src/agent/ownNodeReboot.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import type { Sentinel } from '../../src/core/agent.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { HttpsTransport } from '../../src/platform/https.ts';
import { serviceAccountCredentials } from '../../src/platform/serviceAccount.ts';
import { MemoryLog } from '../support/log.ts';
import { TcpProxy } from '../support/tcpProxy.ts';
import { waitFor } from '../testbed/process/wait.ts';
import { SmallApiServer } from './apiServer.ts';

/** Limits of the real agent are 10 s and 150 s. */
const REQUEST_MS = 1_000;
const IDLE_MS = 1_000;
const SOON = { timeoutMs: 8_000, everyMs: 10 };

/** Tokens as the API server gives them to pods, distinguished by a serial number. */
const tokenOf = (uid: string, serial: number): string => {
  const claims = { jti: serial, 'kubernetes.io': { node: { name: 'n1', uid } } };
  return `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
};

describe('an agent and its connections', function () {
  this.timeout(10_000);
  let folder: string;
  let server: SmallApiServer;
  let proxy: TcpProxy;
  let own: WatchedNodeReboot;
  let stop: AbortController;
  let log: MemoryLog;
  let sentinel: Sentinel;
  let running: Promise<unknown>;
  let clock: Clock;
  /** Added to the monotonic clock. */
  let later: number;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'connection-'));
    server = await SmallApiServer.listen();
    proxy = await TcpProxy.listen(server.tls.port);
    stop = new AbortController();
    log = new MemoryLog();
    later = 0;
    clock = { ...systemClock, monotonic: () => systemClock.monotonic() + later };
    sentinel = { required: false, changed: '', placed: '', reasons: [] };
    writeFileSync(join(folder, 'ca.crt'), server.tls.ca);
    project(tokenOf('uid-of-n1', 1), 1);
  });
  afterEach(async () => {
    stop.abort();
    own.stop();
    await running;
    proxy.close();
    server.close();
    rmSync(folder, { recursive: true });
  });

  /** As the kubelet does it: the token is a link into a folder, which is replaced by one rename. */
  function project(token: string, serial: number) {
    mkdirSync(join(folder, `data-${serial}`));
    writeFileSync(join(folder, `data-${serial}/token`), token);
    symlinkSync(`data-${serial}`, join(folder, 'next'));
    renameSync(join(folder, 'next'), join(folder, 'data'));
  }

  async function start(): Promise<Agent> {
    const tokenFile = join(folder, 'data/token');
    const files = { server: new URL(`https://127.0.0.1:${proxy.port}`), caFile: join(folder, 'ca.crt'), tokenFile };
    const transport = new HttpsTransport(serviceAccountCredentials(files, clock));
    const random = () => 0.001;
    own = new WatchedNodeReboot({
      api: new KubeApi(transport, 'drydock-agent', REQUEST_MS),
      name: 'n1',
      clock,
      random,
      onChange: () => agent.poke(),
      onError: (error) => log.warn('watch', { error: String(error) }),
      idleMs: IDLE_MS,
    });
    const agent = new Agent({
      own,
      node: { bootID: async () => 'boot-1-of-n1', uptime: async () => clock.monotonic() / 1000 },
      sentinels: { read: async () => sentinel, watch: () => undefined },
      rebooter: { probe: async () => ({ able: true, method: 'Testbed' }), order: async () => ({ kind: 'ordered' }) },
      nodeUID: async () => nodeClaimOf(await readFile(tokenFile, 'utf8')).uid,
      version: '0.1.0',
      clock,
      random,
      log,
    });
    running = Promise.all([own.run(), agent.run(stop.signal)]);
    await waitFor('its first report', () => server.patches === 1 && server.watches > 0, SOON);
    // Both connections stand when an answer and a line have come through.
    server.write({});
    const { resourceVersion } = server.stored.metadata;
    const told = () => own.current()?.metadata.resourceVersion === resourceVersion;
    await waitFor('the news', () => told() && log.of('debug').includes('agent: report'), SOON);
    return agent;
  }
  const reported = () => server.stored.status?.agent;

  it('learns of a request although its watch has died without a sign', async () => {
    await start();
    proxy.swallow();
    server.write({ spec: { prepare: { attemptID: 'attempt-1' } } });
    await waitFor('its answer', () => reported()?.prepared?.attemptID === 'attempt-1', SOON);
    expect(log.lines.map(({ fields }) => fields.error)).to.include(
      `TransportError: GET /apis/drydock.dev/v1alpha1/nodereboots: no byte for ${IDLE_MS} ms`,
    );
  });

  it('reports a sentinel although the connection that it keeps for requests has died without a sign', async () => {
    const agent = await start();
    const before = proxy.connections;
    proxy.swallow();
    sentinel = { required: true, changed: '2026-11-02T11:59:00Z', placed: '', reasons: [] };
    agent.poke();
    await waitFor('its report', () => reported()?.rebootRequired === true, SOON);
    const failed = log.lines.filter(({ message }) => message === 'a step of the agent failed');
    expect(failed.map(({ fields }) => fields.error)).to.deep.equal([
      `PATCH /apis/drydock.dev/v1alpha1/nodereboots/n1/status: no answer within ${REQUEST_MS} ms`,
    ]);
    expect(proxy.connections).to.be.above(before);
    expect(server.patches, 'what was swallowed never arrived').to.equal(2);
  });

  it('comes back when the API server has ended its watch in order', async () => {
    await start();
    server.endWatches();
    await waitFor('another watch', () => server.watches > 1, SOON);
    server.write({ spec: { prepare: { attemptID: 'attempt-1' } } });
    await waitFor('its answer', () => reported()?.prepared?.attemptID === 'attempt-1', SOON);
  });

  it('goes on with the next token when its own was rotated and the old one is no longer taken', async () => {
    server.token = tokenOf('uid-of-n1', 1);
    const agent = await start();
    project(tokenOf('uid-of-n1', 2), 2);
    server.token = tokenOf('uid-of-n1', 2);
    later = 60_001;
    sentinel = { required: true, changed: '2026-11-02T11:59:00Z', placed: '', reasons: [] };
    agent.poke();
    await waitFor('its report', () => reported()?.rebootRequired === true, SOON);
    expect(log.of('warn').filter((message) => message !== 'watch')).to.deep.equal([]);
  });

  it('reads its token anew at once when it was refused with the one that it has', async () => {
    server.token = tokenOf('uid-of-n1', 1);
    const agent = await start();
    project(tokenOf('uid-of-n1', 2), 2);
    server.token = tokenOf('uid-of-n1', 2);
    sentinel = { required: true, changed: '2026-11-02T11:59:00Z', placed: '', reasons: [] };
    agent.poke();
    await waitFor('its report', () => reported()?.rebootRequired === true, SOON);
    expect(log.of('warn')).to.include('a step of the agent failed');
  });

  it('takes the UID of its Node from the token of now', async () => {
    const agent = await start();
    project(tokenOf('uid-of-another', 2), 2);
    server.write({ spec: { prepare: { attemptID: 'attempt-1' } } });
    sentinel = { required: true, changed: '2026-11-02T11:59:00Z', placed: '', reasons: [] };
    agent.poke();
    await waitFor('that it stands back', () => log.of('debug').includes('waiting'), SOON);
    expect(server.patches).to.equal(1);
  });
});
