import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { waitFor } from './process/wait.ts';
import { Prometheus } from './prometheus/prometheus.ts';

const rules = `
groups:
- name: given
  rules:
  - alert: TemperatureTooHigh
    expr: temperature > 30
    labels: {severity: critical}
`;

describe('Prometheus in the test bed', () => {
  let folder: string;
  let prometheus: Prometheus;
  let target: Server;
  let temperature = 20;

  function serveTemperature(_: IncomingMessage, response: ServerResponse): void {
    // Prometheus does not guess the format.
    response.setHeader('content-type', 'text/plain; version=0.0.4').end(`temperature ${temperature}\n`);
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drydock-test-'));
    target = createServer(serveTemperature).listen(0, '127.0.0.1');
    await once(target, 'listening');
    const { port } = target.address() as AddressInfo;
    const started = Date.now();
    prometheus = await Prometheus.start(folder, { rules, scrape: { thermometer: [`127.0.0.1:${port}`] } });
    console.log(`      ready: ${Date.now() - started} ms`);
  });

  after(async () => {
    await prometheus?.stop();
    target.close();
    target.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });

  const names = async (): Promise<(string | undefined)[]> =>
    (await prometheus.alerts()).map(({ labels }) => labels.alertname);

  it('has an alert fire with its labels, and cleared', async () => {
    await prometheus.fire('Flood', { labels: { severity: 'critical' } });
    const [alert] = await prometheus.alerts();
    expect(alert).to.deep.include({ state: 'firing', labels: { alertname: 'Flood', severity: 'critical' } });
    await prometheus.clear('Flood');
    expect(await names()).to.be.empty;
  });

  it('leaves an alert pending', async () => {
    await prometheus.fire('Slow', { pending: true });
    expect((await prometheus.alerts())[0]).to.include({ state: 'pending' });
    await prometheus.clear('Slow');
  });

  it('evaluates the rules that it was given on what it scrapes', async () => {
    await waitFor('a sample', async () => (await prometheus.query('temperature'))[0]?.value[1] === '20', {
      timeoutMs: 10_000,
    });
    temperature = 40;
    await waitFor('the alert', async () => (await names()).includes('TemperatureTooHigh'), { timeoutMs: 10_000 });
    temperature = 20;
    await waitFor('its end', async () => !(await names()).includes('TemperatureTooHigh'), { timeoutMs: 10_000 });
  });

  it('is at the same address after an outage', async () => {
    await prometheus.stop();
    expect(await prometheus.alerts().catch((error: Error) => error)).to.be.an('error');
    await prometheus.restart();
    expect(await names()).to.be.empty;
  });

  it('says what is wrong with rules', async () => {
    const bad = join(folder, 'bad');
    const error = await Prometheus.start(bad, { rules: 'groups: [{name: a, rules: [{alert: x, expr: "(("}]}]' }).catch(
      (e: Error) => e,
    );
    expect(error).to.be.an('error').with.property('message').that.contains('parse error');
  });
});
