import { expect } from 'chai';
import type { Lease } from '../../src/api/objects.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import { LEADER_TIMES, LeaderElection } from '../../src/cluster/leader.ts';
import { FakeClock } from '../support/clock.ts';
import { type Answer, bodyOf, ScriptedTransport, status } from '../support/transport.ts';

describe('leadership that is handed over', () => {
  let spec: NonNullable<Lease['spec']>;
  let version: number;
  let clock: FakeClock;
  let stop: AbortController;
  let broken: boolean;
  beforeEach(() => {
    spec = {};
    version = 1;
    clock = new FakeClock();
    stop = new AbortController();
    broken = false;
  });
  afterEach(() => stop.abort());

  function candidate(identity: string) {
    const transport = new ScriptedTransport();
    transport.answer = (request): Answer => {
      if (broken) return new Error('no route to host');
      const metadata = { name: 'drydock-leader', uid: 'l', resourceVersion: String(version), creationTimestamp: '' };
      if (request.method === 'GET') return { body: { metadata, spec } };
      const sent = bodyOf(request) as Lease;
      if (sent.metadata.resourceVersion !== metadata.resourceVersion) return status(409, 'Conflict');
      version += 1;
      spec = { ...spec, ...sent.spec };
      return { body: { metadata: { ...metadata, resourceVersion: String(version) }, spec } };
    };
    return new LeaderElection({
      api: new KubeApi(transport, 'tests'),
      namespace: 'drydock',
      identity,
      times: LEADER_TIMES,
      clock,
      random: () => 0.5,
      onError: () => undefined,
    });
  }

  it('is free at once, and is not acted under any more', async () => {
    const leader = candidate('me');
    await leader.acquire(stop.signal);
    await leader.handOver();
    expect(leader.leads).to.equal(false);
    expect(spec.holderIdentity).to.equal('');
  });

  it('goes to another that campaigns, although the one before campaigns as well', async () => {
    const [before, after] = [candidate('before'), candidate('after')];
    await before.acquire(stop.signal);
    await before.handOver();
    void before.acquire(stop.signal);
    await clock.advance(2_000);
    await after.acquire(stop.signal);
    await clock.advance(5_000);
    expect([before.leads, after.leads, spec.holderIdentity]).to.deep.equal([false, true, 'after']);
  });

  it('comes back when nobody has taken it for twice the time of the Lease', async () => {
    const leader = candidate('me');
    await leader.acquire(stop.signal);
    await leader.handOver();
    void leader.acquire(stop.signal);
    await clock.advance(2 * LEADER_TIMES.leaseMs - 2_001);
    expect(leader.leads).to.equal(false);
    await clock.advance(4_000);
    expect(leader.leads).to.equal(true);
  });

  it('is given up also when nobody can be told: others find out when the Lease runs out', async () => {
    const leader = candidate('me');
    await leader.acquire(stop.signal);
    broken = true;
    const error = await leader.handOver().catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(Error);
    expect(leader.leads).to.equal(false);
    broken = false;
    void leader.acquire(stop.signal);
    await clock.advance(10_000);
    expect([leader.leads, spec.holderIdentity], 'it stands back all the same').to.deep.equal([false, 'me']);
  });
});
