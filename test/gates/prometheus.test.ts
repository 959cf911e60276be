import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { GateSecrets } from '../../src/gates/gateSecrets.ts';
import { PrometheusGate } from '../../src/gates/prometheus.ts';
import { NodeHttpClient } from '../../src/platform/http.ts';
import type { HttpRequest } from '../../src/platform/httpClient.ts';

const firing = { metric: { alertname: 'NodeDown', alertstate: 'firing' }, value: [1, '1'] };
const answer = (...result: unknown[]) => JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });

const NO_SECRETS = new GateSecrets(async (name) => {
  throw new Error(`nobody asked for Secret ${name}`);
}, 'drydock');

describe('The Prometheus gate', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  /** Starts a Prometheus of our own; gives its URL. */
  async function prometheus(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const client = new NodeHttpClient();
  const gate = new PrometheusGate(client, NO_SECRETS);
  /** Real HTTP, with less patience. */
  const impatient = new PrometheusGate(
    { request: (request) => client.request({ ...request, timeoutMs: 300 }) },
    NO_SECRETS,
  );

  async function expectBlocked(listener: RequestListener, message: RegExp, asked = gate) {
    const verdict = await asked.ask({ url: await prometheus(listener) });
    expect(verdict).to.have.property('code', 'GateUnanswered');
    expect(verdict?.message).to.match(message);
  }

  it('is open when no alert is active', async () => {
    expect(await gate.ask({ url: await prometheus((_, response) => response.end(answer())) })).to.equal(null);
  });

  it('is closed while an alert is active', async () => {
    const url = await prometheus((_, response) => response.end(answer(firing)));
    expect(await gate.ask({ url })).to.deep.equal({
      code: 'ActiveAlerts',
      message: 'Alerts are active: NodeDown (firing).',
    });
  });

  it('heeds what the policy says about alerts', async () => {
    const url = await prometheus((_, response) => response.end(answer(firing)));
    expect(await gate.ask({ url, alerts: { ignore: [{ name: 'NodeDown' }] } })).to.equal(null);
  });

  it('asks for all alerts, below the path of the URL', async () => {
    const asked: (string | undefined)[] = [];
    const url = await prometheus((request: IncomingMessage, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end(answer());
    });
    await gate.ask({ url });
    await gate.ask({ url: `${url}/prometheus/` });
    expect(asked).to.deep.equal(['GET /api/v1/query?query=ALERTS', 'GET /prometheus/api/v1/query?query=ALERTS']);
  });

  it('waits for ten seconds, or for as long as the policy says', async () => {
    const requests: HttpRequest[] = [];
    const http = {
      request: async (request: HttpRequest) => {
        requests.push(request);
        return { status: 200, headers: {}, body: answer() };
      },
    };
    const patient = new PrometheusGate(http, NO_SECRETS);
    await patient.ask({ url: 'http://prometheus:9090' });
    await patient.ask({ url: 'http://prometheus:9090', timeout: '1m' });
    expect(requests.map(({ timeoutMs }) => timeoutMs)).to.deep.equal([10_000, 60_000]);
  });

  it('is closed after that time, however slowly the answer trickles', async () => {
    const trickling = await prometheus((_, response) => {
      const timer = setInterval(() => response.write(' '), 50);
      response.on('close', () => clearInterval(timer));
    });
    const began = performance.now();
    const verdict = await gate.ask({ url: trickling, timeout: '1s' });
    expect(verdict?.message).to.equal('Prometheus could not be asked: no complete answer within 1 s.');
    expect(performance.now() - began).to.be.within(950, 5_000);
  });

  it('is closed while Prometheus cannot be reached', async () => {
    const url = await prometheus(() => {});
    await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
    const verdict = await gate.ask({ url });
    expect(verdict?.code).to.equal('GateUnanswered');
    expect(verdict?.message).to.match(/^Prometheus could not be asked: connect ECONNREFUSED 127\.0\.0\.1:\d+\.$/);
  });

  it('is closed while the name of Prometheus is not known', async () => {
    const verdict = await impatient.ask({ url: 'http://prometheus.invalid:9090' });
    expect(verdict?.message).to.match(
      /^Prometheus could not be asked: (getaddrinfo E\w+ prometheus\.invalid|no complete answer within 0.3 s)\.$/,
    );
  });

  it('is closed while Prometheus hangs', () => {
    return expectBlocked(() => {}, /^Prometheus could not be asked: no complete answer within 0\.3 s\.$/, impatient);
  });

  it('is closed while Prometheus hangs in the middle of its answer', () => {
    return expectBlocked(
      (_, response) => {
        response.writeHead(200).write(answer().slice(0, 10));
      },
      /no complete answer within 0\.3 s/,
      impatient,
    );
  });

  it('is closed when the answer is cut', () => {
    return expectBlocked((_, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write(answer());
      setTimeout(() => response.destroy(), 20);
    }, /^Prometheus could not be asked: aborted\.$/);
  });

  it('is closed when Prometheus reports an error', () => {
    const error = JSON.stringify({ status: 'error', error: 'query queue is full' });
    return expectBlocked((_, response) => response.writeHead(503).end(error), /with status 503: .*query queue is full/);
  });

  it('is closed when the answer is no content', () => {
    return expectBlocked((_, response) => response.writeHead(204).end(), /^Prometheus answered with status 204\.$/);
  });

  it('is closed when it is sent elsewhere, and does not go there', async () => {
    let visited = false;
    const elsewhere = await prometheus((_, response) => {
      visited = true;
      response.end(answer());
    });
    await expectBlocked(
      (_, response) => response.writeHead(302, { location: elsewhere }).end(),
      /status 302\. Redirects are not followed: give the URL to which it leads\.$/,
    );
    expect(visited).to.equal(false);
  });

  it('is closed when the answer is not that of Prometheus', () => {
    return expectBlocked((_, response) => response.end('<html>Sign in</html>'), /not JSON: "<html>Sign in<\/html>"/);
  });

  it('is closed when the answer is larger than can be', () => {
    return expectBlocked((_, response) => {
      response.on('error', () => {});
      response.end(Buffer.alloc(17 * 1024 * 1024, ' '));
    }, /larger than 16 MiB/);
  });

  it('is closed when Prometheus goes over to another protocol that nobody asked for', () => {
    return expectBlocked((_, response) => {
      response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    }, /^Prometheus could not be asked: .+\.$/);
  });

  it('is closed when Prometheus wants credentials that it was not given', () => {
    return expectBlocked(
      (_, response) => response.writeHead(401).end('Unauthorized\n'),
      /^Prometheus answered with status 401: "Unauthorized"\.$/,
    );
  });

  it('is closed when the policy is not right, and does not ask', async () => {
    const nobody = new PrometheusGate({ request: () => Promise.reject(new Error('asked')) }, NO_SECRETS);
    for (const config of [
      { url: 'prometheus' },
      { url: 'file:///etc/passwd' },
      { url: 'http://prometheus', timeout: 'soon' },
      { url: 'http://prometheus', auth: { type: 'Basic', secretName: 'a' } } as const,
      { url: 'http://prometheus', alerts: { match: [{}] } },
    ]) {
      const verdict = await nobody.ask(config);
      expect(verdict?.code).to.equal('GateUnanswered');
      expect(verdict?.message)
        .not.to.contain('asked for')
        .and.not.to.match(/: asked/);
    }
  });
});
