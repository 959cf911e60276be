import { expect } from 'chai';
import { FencedTransport } from '../../src/cluster/fence.ts';
import { TransportError } from '../../src/platform/transport.ts';
import { ScriptedTransport } from '../support/transport.ts';

const REQUEST = { method: 'PATCH', path: '/api/v1/nodes/n1?fieldManager=x', timeoutMs: 10_000 } as const;

describe('the fence of effects', () => {
  let transport: ScriptedTransport;
  let remaining: number;
  let fenced: FencedTransport;
  beforeEach(() => {
    transport = new ScriptedTransport();
    remaining = 8_000;
    fenced = new FencedTransport(transport, () => remaining);
  });

  const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => null,
      (error: unknown) => error,
    );

  it('lets no request outlive the time for which this process is known to lead', async () => {
    await fenced.request(REQUEST);
    expect(transport.requests).to.deep.equal([{ ...REQUEST, timeoutMs: 8_000 }]);
  });

  it('leaves a shorter time-out as it is', async () => {
    await fenced.request({ ...REQUEST, timeoutMs: 3_000 });
    expect(transport.requests[0]?.timeoutMs).to.equal(3_000);
  });

  for (const left of [0, -1, 0.5]) {
    it(`sends nothing with ${left} ms left`, async () => {
      remaining = left;
      const error = await failureOf(fenced.request(REQUEST));
      expect(error).to.be.instanceOf(TransportError);
      expect((error as Error).message).to.equal('/api/v1/nodes/n1: not sent, since this process may no longer lead');
      expect(await failureOf(fenced.stream('/x', 1, AbortSignal.abort()))).to.be.instanceOf(TransportError);
      expect([...transport.requests, ...transport.streams]).to.deep.equal([]);
    });
  }

  it('asks anew for every request', async () => {
    await fenced.request(REQUEST);
    remaining = 0;
    expect(await failureOf(fenced.request(REQUEST))).to.be.instanceOf(TransportError);
    remaining = 10;
    await fenced.request(REQUEST);
    expect(transport.requests.map(({ timeoutMs }) => timeoutMs)).to.deep.equal([8_000, 10]);
  });
});
