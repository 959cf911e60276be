import { expect } from 'chai';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import { secretReader } from '../../src/cluster/secrets.ts';
import { TransportError } from '../../src/platform/transport.ts';
import { type Answer, ScriptedTransport, status } from '../support/transport.ts';

describe('reading Secrets', () => {
  let transport: ScriptedTransport;
  let read: ReturnType<typeof secretReader>;
  beforeEach(() => {
    transport = new ScriptedTransport();
    read = secretReader(new KubeApi(transport, 'drydock-tests'), 'drydock');
  });

  async function failureOf(answer: Answer): Promise<Error> {
    transport.answer = () => answer;
    return await read('access').then(
      () => {
        throw new Error('it did not fail');
      },
      (error: Error) => error,
    );
  }

  it('is done by name, in one namespace, anew each time', async () => {
    const secret = { metadata: { name: 'access' }, data: { token: 'YWJj' } };
    transport.answer = () => ({ body: secret });
    expect([await read('access'), await read('access')]).to.deep.equal([secret, secret]);
    const path = '/api/v1/namespaces/drydock/secrets/access';
    expect(transport.requests.map((request) => `${request.method} ${request.path}`)).to.deep.equal([
      `GET ${path}`,
      `GET ${path}`,
    ]);
  });

  it('cannot leave that namespace by a name', async () => {
    await read('../../default/secrets/x?y#z');
    expect(transport.requests[0]?.path).to.equal(
      '/api/v1/namespaces/drydock/secrets/..%2F..%2Fdefault%2Fsecrets%2Fx%3Fy%23z',
    );
  });

  it('finds none where there is none', async () => {
    transport.answer = () => status(404, 'NotFound');
    expect(await read('access')).to.equal(undefined);
  });

  it('says why it failed', async () => {
    expect((await failureOf(status(403, 'Forbidden'))).message).to.contain('403');
    expect((await failureOf(new TransportError('no answer'))).message).to.equal('no answer');
  });

  it('does not tell what was in an answer that it did not understand', async () => {
    const { message, cause } = await failureOf({ body: 'hunter2' });
    expect({ message, cause }).to.deep.equal({
      message: "the API server's answer is not understood",
      cause: undefined,
    });
  });
});
