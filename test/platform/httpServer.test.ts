import { expect } from 'chai';
import { healthRoutes } from '../../src/cli/health.ts';
import { type Listening, serve } from '../../src/platform/httpServer.ts';

describe('the HTTP server', () => {
  let server: Listening;
  let healthy = true;
  before(async () => {
    server = await serve('127.0.0.1:0', {
      '/metrics': async () => ({ status: 200, contentType: 'text/x', body: 'a 1\n' }),
      '/broken': () => {
        throw new Error('secret');
      },
      ...healthRoutes(
        () => healthy,
        () => false,
      ),
    });
  });
  after(() => server.close());

  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`http://${server.address}${path}`, { method });
    return [response.status, await response.text(), response.headers.get('content-type')];
  };

  it('answers by path, whatever the query', async () => {
    expect(await ask('/metrics?a=b')).to.deep.equal([200, 'a 1\n', 'text/x']);
    expect(await ask('/metricsx')).to.deep.equal([404, 'not found\n', 'text/plain; charset=utf-8']);
    expect((await ask('/__proto__'))[0]).to.equal(404);
  });

  it('tells kubelets apart what is healthy and what is ready', async () => {
    expect((await ask('/healthz')).slice(0, 2)).to.deep.equal([200, 'ok\n']);
    expect((await ask('/readyz')).slice(0, 2)).to.deep.equal([503, 'not ok\n']);
    healthy = false;
    expect((await ask('/healthz'))[0]).to.equal(503);
  });

  it('takes only GET', async () => {
    expect((await ask('/metrics', 'POST')).slice(0, 2)).to.deep.equal([405, 'only GET\n']);
  });

  it('does not tell strangers why an answer failed', async () => {
    expect((await ask('/broken')).slice(0, 2)).to.deep.equal([500, 'failed\n']);
  });

  it('binds where it is told to', async () => {
    const every = await serve(':0', {});
    expect(every.address).to.match(/:\d+$/);
    every.close();
    for (const listen of ['8080', 'localhost:x', '127.0.0.1:99999', '127.0.0.1:-1']) {
      const error = await serve(listen, {}).catch((thrown: unknown) => thrown);
      expect(error, listen).to.have.property('message', `not an address of the form host:port: ${listen}`);
    }
  });

  it('says when an address is taken', async () => {
    const error = await serve(server.address, {}).catch((thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'EADDRINUSE');
  });
});
