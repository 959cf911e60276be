import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net';
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

  for (const host of [
    ...['169.254.169.254', '169.254.0.1', '0xa9fea9fe', '2852039166', '0251.0376.0251.0376', '169.254.43518'],
    ...['169.254.169.254.', '①⑥⑨.254.169.254', '168.63.129.16', '0xa83f8110', '100.100.100.200'],
    ...['[fe80::1]', '[febf::1]', '[fd00:ec2::254]', '[fd20:ce::254]', '[fd00:c1::a9fe:a9fe]'],
    ...['[::ffff:169.254.169.254]', '[::ffff:a83f:8110]', '[::169.254.169.254]', '[::168.63.129.16]'],
    ...['[64:ff9b::169.254.169.254]', '[64:ff9b::a83f:8110]', '[2002:a9fe:a9fe::]', '[2002:a83f:8110::1]'],
  ]) {
    it(`does not go to ${host}, where clouds keep credentials`, async () => {
      expect(await failureOf(client, host)).to.match(/ is a link-local address or one of a cloud's platform$/);
    });
  }

  it('does not go to a name for such an address, nor for one beside others', async () => {
    const before = seen.length;
    for (const address of ['169.254.169.254', '168.63.129.16', '::ffff:169.254.169.254', 'fe80::1%lo']) {
      const family = address.includes(':') ? 6 : 4;
      const one = new NodeHttpClient((_host, _options, done) => done(null, address, family));
      const several = new NodeHttpClient((_host, _options, done) =>
        done(null, [
          { address: '127.0.0.1', family: 4 },
          { address, family },
        ]),
      );
      for (const deceived of [one, several]) {
        expect(await failureOf(deceived, `metadata.example:${new URL(url).port}`)).to.equal(
          `${address} is a link-local address or one of a cloud's platform`,
        );
      }
    }
    expect(seen.length, 'requests').to.equal(before);
  });

  it('looks a name up once, so that it goes where it has looked', async () => {
    const answers = ['127.0.0.1', '169.254.169.254'];
    let lookUps = 0;
    const rebound = new NodeHttpClient((_host, { all }, done) => {
      const address = answers[lookUps++] ?? '169.254.169.254';
      if (all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    });
    const { status } = await rebound.request({
      method: 'GET',
      url: url.replace('127.0.0.1', 'rebinding.example'),
      timeoutMs: 1000,
    });
    expect(status).to.equal(201);
    expect(lookUps).to.equal(1);
  });

  it('does not go where a look-up ends in something that is no address', async () => {
    const confused = new NodeHttpClient((_host, _options, done) => done(null, 'elsewhere', 4));
    expect(await failureOf(confused, 'name.example')).to.equal('elsewhere is no address');
  });

  it('gives up when the look-up of a name takes too long, or fails', async () => {
    const hanging = new NodeHttpClient(() => undefined);
    const asking = hanging.request({ method: 'GET', url: 'http://name.example/', timeoutMs: 100 });
    expect(await asking.catch((error: Error) => error.message)).to.equal('no complete answer within 0.1 s');
    const failing = new NodeHttpClient((_host, _options, done) => done(new Error('no such name'), '', 4));
    expect(await failureOf(failing, 'name.example')).to.equal('no such name');
  });

  it('gives up on a server that says nothing, and on one that closes', async () => {
    const open: Socket[] = [];
    const silent = createTcp((socket) => open.push(socket));
    const closing = createTcp((socket) => socket.once('data', () => socket.end()));
    const ports = await Promise.all(
      [silent, closing].map(async (one) => {
        await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
        return (one.address() as AddressInfo).port;
      }),
    );
    for (const scheme of ['http', 'https']) {
      const asking = client.request({ method: 'GET', url: `${scheme}://127.0.0.1:${ports[0]}`, timeoutMs: 100 });
      expect(await asking.catch((error: Error) => error.message)).to.equal('no complete answer within 0.1 s');
    }
    expect(await failureOf(client, `127.0.0.1:${ports[1]}`)).to.equal('socket hang up');
    for (const socket of open) socket.destroy();
    silent.close();
    closing.close();
  });
});
