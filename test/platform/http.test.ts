import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { NodeHttpClient } from '../../src/platform/http.ts';

const client = new NodeHttpClient();

describe('The HTTP client', () => {
  let server: Server;
  let url: string;
  const seen: { headers: IncomingHttpHeaders; body: string }[] = [];
  before(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        seen.push({ headers: request.headers, body });
        response.setHeader('set-cookie', ['a=1', 'b=2']).writeHead(201).end('grüße');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a?b=c`;
  });
  after(() => server.close());

  it('sends what it is given, on a connection that ends, and gives the whole answer', async () => {
    const request = { method: 'POST', url, headers: { 'x-a': '1' }, body: 'hé', timeoutMs: 1000 } as const;
    const { status, headers, body } = await client.request(request);
    expect({ status, body }).to.deep.equal({ status: 201, body: 'grüße' });
    expect(headers['set-cookie']).to.equal('a=1, b=2');
    expect(seen[0]?.headers).to.include({ 'x-a': '1', connection: 'close' });
    expect(seen[0]?.body).to.equal('hé');
  });

  it('goes to a name as well as to an address', async () => {
    const { status } = await client.request({
      method: 'GET',
      url: url.replace('127.0.0.1', 'localhost'),
      timeoutMs: 1000,
    });
    expect(status).to.equal(201);
  });

  const failureOf = (asked: NodeHttpClient, host: string) =>
    asked.request({ method: 'GET', url: `http://${host}/`, timeoutMs: 1000 }).then(
      () => 'none',
      (error: Error) => error.message,
    );

  for (const host of ['169.254.169.254', '[fe80::1]', '[::ffff:169.254.169.254]', '[fd00:ec2::254]', '2852039166']) {
    it(`does not go to ${host}, where clouds keep credentials`, async () => {
      expect(await failureOf(client, host)).to.include('is a link-local address');
    });
  }

  it('does not go to a name for such an address', async () => {
    const address = '169.254.169.254';
    const one = new NodeHttpClient((_host, _options, done) => done(null, address, 4));
    const several = new NodeHttpClient((_host, _options, done) =>
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address, family: 4 },
      ]),
    );
    for (const deceived of [one, several]) {
      expect(await failureOf(deceived, 'metadata.example')).to.equal('169.254.169.254 is a link-local address');
    }
  });
});
