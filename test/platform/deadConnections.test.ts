import { expect } from 'chai';
import { HttpsTransport } from '../../src/platform/https.ts';
import { TransportError } from '../../src/platform/transport.ts';
import { failureOf } from '../support/failure.ts';
import { TcpProxy } from '../support/tcpProxy.ts';
import { TlsServer } from '../support/tlsServer.ts';
import { waitFor } from '../testbed/process/wait.ts';

describe('the HTTPS transport, behind a load balancer that forgets connections and does not tell', () => {
  let server: TlsServer;
  let proxy: TcpProxy;
  let stop: AbortController;
  beforeEach(async () => {
    server = await TlsServer.listen();
    proxy = await TcpProxy.listen(server.port);
    stop = new AbortController();
  });
  afterEach(() => {
    stop.abort();
    proxy.close();
    server.close();
  });

  const transport = (unusedMs?: number) =>
    new HttpsTransport(
      async () => ({ server: new URL(`https://127.0.0.1:${proxy.port}`), ca: server.ca }),
      ...(unusedMs === undefined ? [] : [unusedMs]),
    );
  const patch = (timeoutMs: number) => ({ method: 'PATCH', path: '/x', body: '{}', timeoutMs }) as const;
  it('gives a request on a dead connection up in its time, and sends the next one on a new connection', async () => {
    server.handle = (_request, response) => response.end('done');
    const one = transport();
    await one.request(patch(5_000));
    proxy.swallow();
    const error = await failureOf(one.request(patch(150)));
    expect(error).to.be.instanceOf(TransportError);
    expect((error as Error).message).to.equal('PATCH /x: no answer within 150 ms');
    expect((await one.request(patch(5_000))).body).to.equal('done');
    expect(proxy.connections).to.equal(2);
  });

  it('tries no other kept connection when one has died, since they die together', async () => {
    const held: (() => void)[] = [];
    server.handle = (_request, response) => void held.push(() => response.end('done'));
    const one = transport();
    const several = Promise.all([1, 2, 3].map(() => one.request(patch(5_000))));
    await waitFor('three requests', () => held.length === 3, { timeoutMs: 5_000 });
    for (const answer of held) answer();
    await several;
    expect(proxy.connections).to.equal(3);
    server.handle = (_request, response) => response.end('done');
    proxy.swallow();
    await failureOf(one.request(patch(150)));
    expect((await one.request(patch(5_000))).body).to.equal('done');
    expect(proxy.connections).to.equal(4);
  });

  it('keeps no connection that nothing uses for so long that it may be forgotten', async () => {
    server.handle = (_request, response) => response.end('done');
    const one = transport(50);
    await one.request(patch(5_000));
    await waitFor('the end of the connection', () => proxy.open === 0, { timeoutMs: 5_000 });
    expect((await one.request(patch(5_000))).body).to.equal('done');
  });

  it('lets a request take longer than an unused connection is kept', async () => {
    server.handle = (_request, response) => void setTimeout(() => response.end('late'), 200);
    expect((await transport(50).request(patch(5_000))).body).to.equal('late');
  });

  it('takes a stream on which no byte comes any more for dead', async () => {
    let say: (line: string) => void = () => undefined;
    server.handle = (_request, response) => {
      response.flushHeaders();
      say = (line) => response.write(`${line}\n`);
    };
    const { lines } = await transport().stream('/watch', 300, stop.signal);
    const reader = lines[Symbol.asyncIterator]();
    say('one');
    expect((await reader.next()).value).to.equal('one');
    proxy.swallow();
    say('two');
    const error = await failureOf(reader.next());
    expect((error as Error).message).to.equal('GET /watch: no byte for 300 ms');
    await waitFor('the end of the connection', () => proxy.open === 0, { timeoutMs: 5_000 });
  });
});
