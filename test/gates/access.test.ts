import { createServer as createHttp, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import type { PrometheusGate as Config } from '../../src/api/generated/rebootpolicy.ts';
import type { Secret } from '../../src/api/objects.ts';
import { GateSecrets } from '../../src/gates/gateSecrets.ts';
import { PrometheusGate } from '../../src/gates/prometheus.ts';
import { NodeHttpClient } from '../../src/platform/http.ts';
import type { HttpRequest } from '../../src/platform/httpClient.ts';
import { type CertificateAndKey, privateAuthority, serverCertificate } from '../support/tls.ts';

const ANSWER = JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [] } });
const ALLOWED = { 'drydock.dev/allowed-hosts': '127.0.0.1, prometheus.example' };
const SECRET = 'Secret drydock/access';

/** A Secret as the API server gives it. */
function secret(values: Record<string, string | Buffer>, annotations: Record<string, string> = ALLOWED): Secret {
  const data = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  const metadata = { name: 'access', uid: 'u', resourceVersion: '1', creationTimestamp: '', annotations };
  return { metadata, data: Object.fromEntries(data) };
}

describe('A Prometheus that wants credentials', () => {
  const servers: Server[] = [];
  let found: Secret | undefined;
  let reads: string[];
  let requests: IncomingMessage[];
  const secrets = new GateSecrets(async (name) => {
    reads.push(name);
    return found;
  }, 'drydock');
  const gate = new PrometheusGate(new NodeHttpClient(), secrets);

  beforeEach(() => {
    reads = [];
    requests = [];
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  const good: RequestListener = (_, response) => response.end(ANSWER);

  /** Starts a Prometheus of our own, over TLS if it has a certificate; gives its URL. */
  async function prometheus(listener: RequestListener = good, certificate?: CertificateAndKey): Promise<string> {
    const noting: RequestListener = (request, response) => {
      requests.push(request);
      listener(request, response);
    };
    const server = certificate === undefined ? createHttp(noting) : createHttps({ ...certificate }, noting);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const scheme = certificate === undefined ? 'http' : 'https';
    return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const bearer = (url: string): Config => ({ url, auth: { type: 'Bearer', secretName: 'access' } });
  const basic = (url: string): Config => ({ url, auth: { type: 'Basic', secretName: 'access' } });

  /** Why the gate is closed; nothing has been sent to Prometheus. */
  async function refusal(config: Config): Promise<string | undefined> {
    const verdict = await gate.ask(config);
    expect(verdict?.code).to.equal('GateUnanswered');
    expect(requests).to.deep.equal([]);
    return verdict?.message;
  }

  it('is sent the token of the Secret', async () => {
    found = secret({ token: 'abc.DEF-123_~+/=' });
    expect(await gate.ask(bearer(await prometheus()))).to.equal(null);
    expect(requests[0]?.headers.authorization).to.equal('Bearer abc.DEF-123_~+/=');
    expect(reads).to.deep.equal(['access']);
  });

  it('is sent user name and password of the Secret, in UTF-8', async () => {
    found = secret({ username: 'jörg', password: 'pass: wörd' });
    expect(await gate.ask(basic(await prometheus()))).to.equal(null);
    const [scheme, encoded = ''] = requests[0]?.headers.authorization?.split(' ') ?? [];
    expect([scheme, Buffer.from(encoded, 'base64').toString()]).to.deep.equal(['Basic', 'jörg:pass: wörd']);
  });

  it('is sent nothing where the policy says None, and no Secret is read', async () => {
    expect(await gate.ask({ url: await prometheus(), auth: { type: 'None' } })).to.equal(null);
    expect(requests[0]?.headers).not.to.have.property('authorization');
    expect(reads).to.deep.equal([]);
  });

  it('is sent what the Secret holds now, not what it held before', async () => {
    const url = await prometheus();
    for (const token of ['old', 'new']) {
      found = secret({ token });
      await gate.ask(bearer(url));
    }
    expect(requests.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer old', 'Bearer new']);
  });

  describe('is not asked, and people are told what to do,', () => {
    it('where the Secret does not exist', async () => {
      found = undefined;
      expect(await refusal(bearer(await prometheus()))).to.equal(`${SECRET} does not exist: create it.`);
    });

    it('where the Secret cannot be read', async () => {
      const forbidden = new GateSecrets(() => Promise.reject(new Error('403 forbidden')), 'drydock');
      const verdict = await new PrometheusGate(new NodeHttpClient(), forbidden).ask(bearer(await prometheus()));
      expect(verdict).to.deep.equal({
        code: 'GateUnanswered',
        message: `${SECRET} could not be read: 403 forbidden.`,
      });
      expect(requests).to.deep.equal([]);
    });

    it('where the Secret says of no host that it is for it', async () => {
      found = secret({ token: 'abc' }, {});
      const url = await prometheus();
      expect(await refusal(bearer(url))).to.equal(
        `${SECRET} has no annotation drydock.dev/allowed-hosts: add ${new URL(url).host} to it, if the Secret is meant for that host.`,
      );
    });

    it('where the Secret is for other hosts', async () => {
      for (const hosts of ['prometheus.example', '127.0.0.1:1', '*', '']) {
        found = secret({ token: 'abc' }, { 'drydock.dev/allowed-hosts': hosts });
        expect(await refusal(bearer(await prometheus()))).to.match(
          /^Secret drydock\/access does not allow this host in its annotation drydock\.dev\/allowed-hosts: add 127\.0\.0\.1:\d+ /,
        );
      }
    });

    it('where a key is missing or empty', async () => {
      found = secret({ username: 'me', password: '' });
      const url = await prometheus();
      expect(await refusal(bearer(url))).to.equal(`${SECRET} has no key token: add it.`);
      expect(await refusal(basic(url))).to.equal(`The key password of ${SECRET} is empty: fill it in.`);
      found = { metadata: found.metadata };
      expect(await refusal(bearer(url))).to.equal(`${SECRET} has no key token: add it.`);
    });

    for (const token of ['abc\n', 'abc\r\nx-evil: 1', 'a b', 'grüße', '\u0000', 'a\tb', '😀']) {
      it(`where the token is ${JSON.stringify(token)}, which is not quoted`, async () => {
        found = secret({ token });
        expect(await refusal(bearer(await prometheus()))).to.equal(
          `The key token of ${SECRET} holds a space, a line break or a special character, which cannot be sent: write it without (printf, not echo).`,
        );
      });
    }

    it('where user name or password could end their header or each other', async () => {
      const url = await prometheus();
      for (const [username, password, key] of [
        ['a:b', 'c', 'username'],
        ['a\n', 'c', 'username'],
        ['a', 'c\r\nx: y', 'password'],
        ['a', 'c\u0085', 'password'],
      ] as const) {
        found = secret({ username, password });
        expect(await refusal(basic(url))).to.match(new RegExp(`^The key ${key} of ${SECRET} holds a .*: write it`));
      }
    });

    it('where the Secret holds bytes that are no text', async () => {
      found = secret({ token: Buffer.from([0xff, 0xfe]) });
      expect(await refusal(bearer(await prometheus()))).to.equal(`The key token of ${SECRET} is no text: mend it.`);
    });
  });

  it('never gets a header that the Secret did not mean, whatever the token', async () => {
    const sent: unknown[] = [];
    const http = {
      request: async ({ headers }: HttpRequest) => {
        sent.push(headers?.authorization);
        return { status: 200, headers: {}, body: ANSWER };
      },
    };
    const unit = fc.constantFrom('a', 'Z', '9', '-', '=', '~', ':', ' ', '\t', '\r', '\n', '\0', '\x7f', 'é', '😀');
    await fc.assert(
      fc.asyncProperty(fc.string({ unit, minLength: 1, maxLength: 6 }), async (token) => {
        found = secret({ token });
        sent.length = 0;
        const verdict = await new PrometheusGate(http, secrets).ask(bearer('https://prometheus.example'));
        const fits = [...token].every((character) => character > ' ' && character < '\x7f');
        expect(sent).to.deep.equal(fits ? [`Bearer ${token}`] : []);
        expect(verdict === null).to.equal(fits);
      }),
    );
  });

  describe('has what it says repeated without the credentials', () => {
    const password = 'hunter2"correct';
    const echoes: [string, RequestListener][] = [
      ['in an error', ({ headers }, response) => response.writeHead(401).end(`no: ${headers.authorization}`)],
      ['decoded', (_, response) => response.writeHead(403).end(`user me with ${password} may not`)],
      ['in JSON', (_, response) => response.end(JSON.stringify({ status: 'error', error: `bad ${password}` }))],
      [
        'in an alert',
        (_, response) => {
          const metric = { alertname: 'A', alertstate: 'firing', namespace: password };
          response.end(
            JSON.stringify({
              status: 'success',
              data: { resultType: 'vector', result: [{ metric, value: [1, '1'] }] },
            }),
          );
        },
      ],
      ['at the edge of the quotation', (_, response) => response.writeHead(500).end('x'.repeat(112) + password)],
    ];
    for (const [where, listener] of echoes) {
      it(where, async () => {
        found = secret({ username: 'me', password });
        const verdict = await gate.ask(basic(await prometheus(listener)));
        const { authorization = '' } = requests[0]?.headers ?? {};
        expect(verdict?.message).to.contain('[withhe');
        for (const text of ['hunter2', 'correct', authorization.slice('Basic '.length)]) {
          expect(verdict?.message).not.to.contain(text);
        }
      });
    }
  });

  describe('over TLS', () => {
    let ca: CertificateAndKey;
    let other: CertificateAndKey;
    let server: CertificateAndKey;
    before(async () => {
      [ca, other] = await Promise.all([privateAuthority(), privateAuthority('another CA')]);
      server = await serverCertificate(ca);
    });

    const trusting = (url: string, key?: string): Config => ({
      ...bearer(url),
      tls: { caSecret: { name: 'access', ...(key === undefined ? {} : { key }) } },
    });

    it('is trusted by the CA of a Secret', async () => {
      found = secret({ token: 'abc', 'ca.crt': `# ours\n${other.cert}\n${ca.cert}` });
      expect(await gate.ask(trusting(await prometheus(good, server)))).to.equal(null);
      expect(requests[0]?.headers.authorization).to.equal('Bearer abc');
    });

    it('is trusted by the CA under the key that the policy names', async () => {
      found = secret({ token: 'abc', 'ca.crt': other.cert, mine: ca.cert });
      expect(await gate.ask(trusting(await prometheus(good, server), 'mine'))).to.equal(null);
    });

    it('is not trusted without its CA, and is sent nothing', async () => {
      found = secret({ token: 'abc', 'ca.crt': other.cert });
      const url = await prometheus(good, server);
      expect(await refusal(bearer(url))).to.match(/^Prometheus could not be asked: .*(certificate|signature).*\.$/);
      expect(await refusal(trusting(url))).to.match(/^Prometheus could not be asked: .*(certificate|signature).*\.$/);
    });

    it('is not trusted under another name than its own', async () => {
      found = secret({ token: 'abc', 'ca.crt': ca.cert });
      const url = await prometheus(good, await serverCertificate(ca, '127.0.0.2'));
      expect(await refusal(trusting(url))).to.match(/not in the cert's list|does not match certificate/);
    });

    for (const [what, text] of [
      ['no certificate', 'not a certificate'],
      ['a damaged one', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
      ['one that is cut', '-----BEGIN CERTIFICATE-----\nMIIB'],
    ] as const) {
      it(`is not asked while the CA is ${what}`, async () => {
        found = secret({ token: 'abc', 'ca.crt': text });
        expect(await refusal(trusting(await prometheus(good, server)))).to.equal(
          `The key ca.crt of ${SECRET} is no list of certificates in PEM: mend it.`,
        );
      });
    }

    it('is not asked while one of several CAs is damaged, or the key is missing', async () => {
      const url = await prometheus(good, server);
      found = secret({ token: 'abc', 'ca.crt': `${ca.cert}\n${ca.cert.replace(/M/, 'N')}` });
      expect(await refusal(trusting(url))).to.contain('is no list of certificates');
      found = secret({ token: 'abc' });
      expect(await refusal(trusting(url))).to.equal(`${SECRET} has no key ca.crt: add it.`);
    });
  });
});
