import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import type { PrometheusGate } from '../../src/api/generated/rebootpolicy.ts';
import { NodeHttpClient } from '../../src/platform/http.ts';
import { type CertificateAndKey, privateAuthority, serverCertificate } from '../support/tls.ts';
import type { ControllerProcess } from '../testbed/controller/controller.ts';
import { Prometheus, type Web } from '../testbed/prometheus/prometheus.ts';
import { Harbour, SOON, statusOf } from './support/harbour.ts';

const PASSWORD = 'correct horse';
const TOKEN = 'battery.STAPLE-42';
const USER: Web['user'] = {
  name: 'drydock-user',
  password: PASSWORD,
  bcrypt: '$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e',
};

/** One control plane, one controller, and a machine for each test. */
describe('a Prometheus of the real world', () => {
  let h: Harbour;
  let controller: ControllerProcess;
  let ca: CertificateAndKey;
  let secured: Prometheus;
  let plain: Prometheus;

  before(async () => {
    h = await Harbour.open();
    ca = await privateAuthority();
    const web = { certificate: await serverCertificate(ca), ca: ca.cert, user: USER };
    [secured, plain] = await Promise.all([start('secured', web), start('plain')]);
    await h.addSpareNode();
    controller = await h.startController();
  });

  after(async () => {
    try {
      h?.assertInvariants();
    } finally {
      await h?.close();
    }
  });

  async function start(name: string, web?: Web): Promise<Prometheus> {
    const prometheus = await Prometheus.start(join(h.bed.folder, name), web === undefined ? {} : { web });
    h.bed.onStop(() => prometheus.stop());
    return prometheus;
  }

  /** Makes a Secret in the controller's namespace, for some hosts or without a word about them. */
  async function secret(name: string, values: Record<string, string>, hosts?: string): Promise<void> {
    const literals = Object.entries(values).map(([key, value]) => `--from-literal=${key}=${value}`);
    await h.kubectl('create', 'secret', 'generic', name, '-n', 'drydock', ...literals);
    if (hosts !== undefined) {
      await h.kubectl('annotate', 'secret', name, '-n', 'drydock', `drydock.dev/allowed-hosts=${hosts}`);
    }
  }

  /** A policy over one machine. */
  async function gate(node: string, prometheus: PrometheusGate): Promise<number> {
    const mark = h.timeline.mark();
    const nodeSelector = { matchLabels: { 'kubernetes.io/hostname': node } };
    await h.applyPolicy({ nodeSelector, gates: { prometheus } }, node);
    return mark;
  }

  /** Waits until the verdict of a node is this one, after a mark. */
  async function untilTold(node: string, code: string, sentence: string, from: number): Promise<void> {
    await h.until(
      `${code} of ${node}: ${sentence}`,
      ({ kind, name, object }) => {
        const verdict = statusOf(object)?.verdict;
        return kind === 'NodeReboot' && name === node && verdict?.code === code && verdict.message.includes(sentence);
      },
      from,
    );
  }

  async function machine(name: string) {
    const added = await h.addMachine(name, { labels: { 'kubernetes.io/hostname': name } });
    added.requireReboot([name]);
    return added;
  }

  it('over TLS with a private CA and a password: says what is missing, and goes on when it is there', async () => {
    const n1 = await machine('n1');
    const { host } = new URL(secured.url);
    const right = { username: USER.name, password: PASSWORD, 'ca.crt': ca.cert };
    await secret('silent', right);
    await secret('elsewhere', right, 'prometheus.example');
    await secret('half', { username: USER.name, 'ca.crt': ca.cert }, host);
    await secret('wrong', { ...right, password: 'incorrect' }, host);
    const withSecret = (name: string): PrometheusGate => ({
      url: secured.url,
      auth: { type: 'Basic', secretName: name },
      tls: { caSecret: { name } },
    });
    const said: readonly [PrometheusGate, string][] = [
      [{ url: secured.url }, 'Prometheus could not be asked: '],
      [withSecret('silent'), `Secret drydock/silent has no annotation drydock.dev/allowed-hosts: add ${host} to it`],
      [withSecret('elsewhere'), 'Secret drydock/elsewhere does not allow this host in its annotation'],
      [withSecret('half'), 'Secret drydock/half has no key password: add it.'],
      [withSecret('wrong'), 'Prometheus answered with status 401: "Unauthorized".'],
      [withSecret('missing'), 'Secret drydock/missing does not exist: create it.'],
    ];
    for (const [config, sentence] of said) {
      await untilTold('n1', 'GateUnanswered', sentence, await gate('n1', config));
    }
    expect(h.slots()).to.deep.equal([]);

    await secret('missing', right, `other.example, ${host}`);
    await h.untilBack(n1, 1);
  });

  it('behind a proxy that wants a token: alerts are told apart by their labels', async () => {
    const n2 = await machine('n2');
    const proxy = await startProxy(await serverCertificate(ca));
    await secret('token', { token: TOKEN, 'tls.crt': ca.cert }, '127.0.0.1');
    await plain.fire('Watchdog', { labels: { severity: 'none' } });
    await plain.fire('DiskFull', { labels: { severity: 'critical', team: 'db' } });
    await plain.fire('PageSlow', { labels: { severity: 'critical', team: 'web' } });
    await plain.fire('Untidy', { labels: { severity: 'warning' } });
    const from = await gate('n2', {
      url: proxy,
      auth: { type: 'Bearer', secretName: 'token' },
      tls: { caSecret: { name: 'token', key: 'tls.crt' } },
      alerts: {
        match: [{ labels: [{ name: 'severity', operator: '=~', value: 'crit.*|none' }] }],
        ignore: [{ name: '^Watchdog$' }, { name: '^Page', labels: [{ name: 'team', operator: '!=', value: 'db' }] }],
      },
    });
    await untilTold('n2', 'ActiveAlerts', 'Alerts are active: DiskFull (firing, severity=critical).', from);

    await plain.clear('DiskFull');
    await h.untilBack(n2, 1);
    expect((await plain.alerts()).map(({ labels }) => labels.alertname).sort()).to.deep.equal([
      'PageSlow',
      'Untidy',
      'Watchdog',
    ]);
    await plain.clear('PageSlow');
    await plain.clear('Untidy');
  });

  it('that hangs: says so, holds up no other policy, and goes on when it answers again', async () => {
    const n3 = await machine('n3');
    plain.freeze();
    const from = await gate('n3', { url: plain.url, timeout: '2s' });
    const sentence = 'Prometheus could not be asked: no complete answer within 2 s.';
    await untilTold('n3', 'GateUnanswered', sentence, from);

    const n4 = await machine('n4');
    await gate('n4', {
      url: secured.url,
      auth: { type: 'Basic', secretName: 'missing' },
      tls: { caSecret: { name: 'missing' } },
    });
    await h.untilBack(n4, 1);
    expect(n3.rebooter.orders).to.have.length(0);

    plain.thaw();
    await h.untilBack(n3, 1);
    expect(await plain.alerts(), 'the Watchdog').to.have.length(1);
  });

  it('has its credentials told nowhere', async () => {
    const told = [
      JSON.stringify(h.timeline.ordered()),
      await h.kubectl('get', 'rbp,nrb,nodes,leases,events', '-A', '-o', 'json'),
      ...controller.log().map(({ text }) => text),
    ].join('\n');
    expect(told).to.contain('Secret drydock/missing');
    for (const text of [PASSWORD, TOKEN, USER.name, 'incorrect']) {
      for (const form of [text, Buffer.from(text).toString('base64')])
        expect(told.includes(form), form).to.equal(false);
    }
  });

  /** A proxy before the plain Prometheus that lets pass who has the token; gives its URL. */
  async function startProxy(certificate: CertificateAndKey): Promise<string> {
    const http = new NodeHttpClient();
    const pass = async ({ url = '/', headers }: IncomingMessage, response: ServerResponse) => {
      if (headers.authorization !== `Bearer ${TOKEN}`)
        return response.writeHead(401).end(`not ${headers.authorization}`);
      const { status, body } = await http.request({ method: 'GET', url: plain.url + url, timeoutMs: SOON });
      return response.writeHead(status).end(body);
    };
    const server: Server = createServer({ ...certificate }, (request, response) => {
      pass(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    h.bed.onStop(async () => server.close().closeAllConnections());
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
});
