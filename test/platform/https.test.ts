import { expect } from 'chai';
import { HttpsTransport } from '../../src/platform/https.ts';
import { TransportError } from '../../src/platform/transport.ts';
import { type Handler, TlsServer } from '../support/tlsServer.ts';

describe('the HTTPS transport', () => {
  let server: TlsServer;
  let ca: string;
  let port: number;
  let handle: Handler;

  before(async () => {
    server = await TlsServer.listen((request, response, body) => handle(request, response, body));
    ({ ca, port } = server);
  });
  beforeEach(() => {
    server.connections = 0;
  });
  after(() => server.close());

  const transport = (options: object = {}, path = '') =>
    new HttpsTransport(async () => ({ server: new URL(`https://127.0.0.1:${port}${path}`), ca, ...options }));
  const get = (path: string, timeoutMs = 1_000) => ({ method: 'GET', path, timeoutMs }) as const;

  async function failureOf(promise: Promise<unknown>): Promise<TransportError> {
    const error = await promise.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(TransportError);
    return error as TransportError;
  }

  it('sends method, path, headers and body, and gives the whole answer', async () => {
    handle = (request, response, body) => {
      const { method, url, headers } = request;
      const said = { method, url, type: headers['content-type'], who: headers.authorization, body };
      response.writeHead(409, { 'x-many': ['a', 'b'] }).end(JSON.stringify(said));
    };
    const answer = await transport({ headers: { authorization: 'Bearer t' } }).request({
      method: 'PATCH',
      path: '/a?b=c',
      headers: { 'content-type': 'x/y' },
      body: 'grüße',
      timeoutMs: 1_000,
    });
    expect(answer.status).to.equal(409);
    expect(answer.headers['x-many']).to.equal('a, b');
    expect(JSON.parse(answer.body)).to.deep.equal({
      method: 'PATCH',
      url: '/a?b=c',
      type: 'x/y',
      who: 'Bearer t',
      body: 'grüße',
    });
  });

  it('sends the body of a DELETE so that it is read as such, and the connection serves the next request', async () => {
    const seen: string[] = [];
    handle = (request, response, body) => {
      seen.push(`${request.method} ${request.url} ${body}`);
      response.end('{}');
    };
    const one = transport();
    await one.request({ method: 'DELETE', path: '/x', body: '{"preconditions":"ü"}', timeoutMs: 1_000 });
    await one.request(get('/y'));
    expect(seen).to.deep.equal(['DELETE /x {"preconditions":"ü"}', 'GET /y ']);
    expect(server.connections).to.equal(1);
  });

  it('finds an API server below a path', async () => {
    handle = (request, response) => response.end(request.url);
    expect((await transport({}, '/k8s/clusters/c-1/').request(get('/api?x=1'))).body).to.equal(
      '/k8s/clusters/c-1/api?x=1',
    );
  });

  it('asks who it is before every request, since tokens rotate', async () => {
    handle = (request, response) => response.end(request.headers.authorization);
    let token = 0;
    const rotating = new HttpsTransport(async () => {
      token += 1;
      return { server: new URL(`https://127.0.0.1:${port}`), ca, headers: { authorization: `Bearer ${token}` } };
    });
    expect((await rotating.request(get('/'))).body).to.equal('Bearer 1');
    expect((await rotating.request(get('/'))).body).to.equal('Bearer 2');
  });

  it('says when its credentials were refused, until they are not', async () => {
    const told: boolean[] = [];
    const asking = new HttpsTransport(async (refused) => {
      told.push(refused);
      return { server: new URL(`https://127.0.0.1:${port}`), ca };
    });
    handle = (request, response) => response.writeHead(Number(request.url?.slice(1))).end('{}');
    for (const status of [200, 401, 401, 403, 200]) await asking.request(get(`/${status}`));
    expect(told).to.deep.equal([false, false, true, true, false]);
  });

  it('keeps its connection between requests', async () => {
    handle = (_request, response) => response.end('ok');
    const one = transport();
    for (let time = 0; time < 3; time += 1) await one.request(get('/'));
    expect(server.connections).to.equal(1);
  });

  it('does not follow redirects, and so gives its token to nobody else', async () => {
    const asked: (string | undefined)[] = [];
    handle = (request, response) => {
      asked.push(request.url);
      response.writeHead(302, { location: `https://127.0.0.1:${port}/elsewhere` }).end();
    };
    expect((await transport().request(get('/here'))).status).to.equal(302);
    expect(asked).to.deep.equal(['/here']);
  });

  it('gives up when no answer comes in time, and says so without the query', async () => {
    handle = () => undefined;
    const error = await failureOf(transport().request(get('/slow?token=x', 30)));
    expect(error.message).to.equal('GET /slow: no answer within 30 ms');
  });

  it('gives up when only half of an answer comes in time', async () => {
    handle = (_request, response) => void response.writeHead(200).write('half');
    const error = await failureOf(transport().request(get('/', 50)));
    expect(error.message).to.equal('GET /: no answer within 50 ms');
  });

  it('takes an answer that is cut for none', async () => {
    handle = (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    };
    await failureOf(transport().request(get('/')));
    handle = (_request, response) => {
      response.write('{"a":1}', () => response.destroy());
    };
    await failureOf(transport().request(get('/')));
  });

  it('takes a server that it does not trust, or cannot reach, for none', async () => {
    handle = (_request, response) => response.end('ok');
    expect((await failureOf(transport({ ca: undefined }).request(get('/')))).message).to.match(/self.signed/);
    const nobody = new HttpsTransport(async () => ({ server: new URL('https://127.0.0.1:1'), ca }));
    expect((await failureOf(nobody.request(get('/a')))).message).to.match(/^GET \/a: .*ECONNREFUSED/);
    await failureOf(nobody.stream('/a', 1_000, new AbortController().signal));
  });

  it('fails as if there were no answer when its credentials cannot be read', async () => {
    const broken = new HttpsTransport(async () => {
      throw new Error('no token');
    });
    expect((await failureOf(broken.request(get('/a')))).message).to.equal('GET /a: no token');
  });

  describe('as a stream', () => {
    const stop = new AbortController();

    async function read(lines: AsyncIterable<string>): Promise<string[]> {
      const found: string[] = [];
      for await (const line of lines) found.push(line);
      return found;
    }

    it('gives line by line as they come, and ends when the server closes', async () => {
      let finish = () => {};
      handle = (_request, response) => {
        response.write('{"a":1}\n{"b"');
        finish = () => response.end(':2}\n\nlast');
      };
      const { lines, status } = await transport().stream('/watch', 1_000, stop.signal);
      expect(status).to.equal(200);
      const reader = lines[Symbol.asyncIterator]();
      expect((await reader.next()).value).to.equal('{"a":1}');
      finish();
      expect(await read({ [Symbol.asyncIterator]: () => reader })).to.deep.equal(['{"b":2}', '', 'last']);
    });

    it('keeps apart from requests, and gives other statuses as they are', async () => {
      handle = (request, response) => {
        if (request.url === '/watch') response.writeHead(410).end('expired');
        else response.end('ok');
      };
      const one = transport();
      await one.request(get('/'));
      const { status, lines } = await one.stream('/watch', 1_000, stop.signal);
      expect([status, await read(lines)]).to.deep.equal([410, ['expired']]);
      expect(server.connections).to.equal(2);
    });

    it('takes a connection on which no byte comes for dead', async () => {
      handle = (_request, response) => void response.write('one\n');
      const { lines } = await transport().stream('/watch', 60, stop.signal);
      expect((await failureOf(read(lines))).message).to.equal('GET /watch: no byte for 60 ms');
    });

    it('lives on while bytes come, however long it lasts', async () => {
      handle = (_request, response) => {
        let left = 6;
        const timer = setInterval(() => {
          left -= 1;
          response.write(`${left}\n`);
          if (left > 0) return;
          clearInterval(timer);
          response.end();
        }, 25);
      };
      const { lines } = await transport().stream('/watch', 100, stop.signal);
      expect(await read(lines)).to.have.length(6);
    });

    it('throws when the connection is cut', async () => {
      handle = (_request, response) => {
        response.write('one\n', () => response.destroy());
      };
      const { lines } = await transport().stream('/watch', 1_000, stop.signal);
      await failureOf(read(lines));
    });

    it('ends when it is told to, with its connection', async () => {
      const gone = new Promise<void>((resolve) => {
        handle = (request, response) => {
          request.socket.once('close', () => resolve());
          response.write('one\n');
        };
      });
      const abort = new AbortController();
      const { lines } = await transport().stream('/watch', 1_000, abort.signal);
      const reading = failureOf(read(lines));
      abort.abort();
      await reading;
      await gone;
    });

    it('ends with its connection when it is closed', async () => {
      const gone = new Promise<void>((resolve) => {
        handle = (request, response) => {
          request.socket.once('close', () => resolve());
          response.write('one\n');
        };
      });
      const { close } = await transport().stream('/watch', 1_000, stop.signal);
      close();
      await gone;
    });
  });
});
