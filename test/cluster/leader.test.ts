import { expect } from 'chai';
import type { Lease } from '../../src/api/objects.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import { LEADER_TIMES, LeaderElection } from '../../src/cluster/leader.ts';
import { TransportError, type TransportRequest } from '../../src/platform/transport.ts';
import { FakeClock, settled } from '../support/clock.ts';
import { type Answer, bodyOf, ScriptedTransport, status } from '../support/transport.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/drydock/leases';

/** One Lease with compare-and-swap, as the API server keeps it. */
class LeaseServer {
  lease: Lease | null = null;
  #version = 1;

  set(spec: Lease['spec']): void {
    this.#version += 1;
    this.lease = {
      metadata: { name: 'drydock-leader', uid: 'l', resourceVersion: String(this.#version), creationTimestamp: '' },
      spec: { ...this.lease?.spec, ...spec },
    };
  }

  answer(request: TransportRequest): Answer {
    const body = bodyOf(request) as Lease | null;
    if (request.method === 'POST') {
      if (this.lease !== null) return status(409, 'AlreadyExists');
      this.set(body?.spec);
    } else if (this.lease === null) {
      return status(404, 'NotFound');
    } else if (request.method === 'PATCH') {
      if (body?.metadata.resourceVersion !== this.lease.metadata.resourceVersion) return status(409, 'Conflict');
      this.set(body?.spec);
    }
    return { body: this.lease };
  }
}

describe('leader election', () => {
  let server: LeaseServer;
  let stop: AbortController;
  beforeEach(() => {
    server = new LeaseServer();
    stop = new AbortController();
  });
  afterEach(() => stop.abort());

  function candidate(identity: string, clock = new FakeClock()) {
    const transport = new ScriptedTransport();
    transport.answer = (request) => server.answer(request);
    const errors: unknown[] = [];
    const leader = new LeaderElection({
      api: new KubeApi(transport, 'tests'),
      namespace: 'drydock',
      identity,
      times: LEADER_TIMES,
      clock,
      random: () => 0.5,
      onError: (error) => errors.push(error),
    });
    return { leader, transport, clock, errors };
  }

  async function leading(identity = 'me') {
    const one = candidate(identity);
    await one.leader.acquire(stop.signal);
    expect(one.leader.leads).to.equal(true);
    return one;
  }

  const others = (renewTime = '2030-01-01T00:00:00.000000Z') => ({
    holderIdentity: 'other',
    leaseDurationSeconds: 15,
    renewTime,
    leaseTransitions: 3,
  });

  it('takes a Lease that is not there', async () => {
    const { leader, transport } = candidate('me');
    expect(leader.leads).to.equal(false);
    await leader.acquire(stop.signal);
    expect(leader.leads).to.equal(true);
    expect(transport.requests.map(({ method, path }) => `${method} ${path.split('?')[0]}`)).to.deep.equal([
      `GET ${LEASES}/drydock-leader`,
      `POST ${LEASES}`,
    ]);
    expect(server.lease?.spec).to.deep.include({ holderIdentity: 'me', leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(server.lease?.spec?.renewTime).to.match(/^2026-11-02T12:00:00\.\d{6}Z$/);
  });

  it('takes a Lease that was handed over, by compare-and-swap', async () => {
    server.set({ ...others(), holderIdentity: '' });
    const { transport } = await leading();
    expect(server.lease?.spec).to.deep.include({ holderIdentity: 'me', leaseTransitions: 4 });
    expect(bodyOf(transport.requests[1] as TransportRequest)).to.have.nested.property('metadata.resourceVersion', '2');
  });

  it('waits while another renews, whatever the times in the Lease say', async () => {
    const { leader, clock } = candidate('me');
    server.set(others('1999-01-01T00:00:00.000000Z'));
    void leader.acquire(stop.signal);
    for (let renewal = 0; renewal < 20; renewal += 1) {
      await clock.advance(10_000);
      server.set({ renewTime: `1999-01-01T00:00:00.${String(renewal + 1).padStart(6, '0')}Z` });
    }
    expect(leader.leads).to.equal(false);
    expect(server.lease?.spec?.holderIdentity).to.equal('other');
  });

  it('takes a Lease whose renewal has not changed for its duration, by its own monotonic clock only', async () => {
    const { leader, clock } = candidate('me');
    server.set(others());
    void leader.acquire(stop.signal);
    clock.step(86_400_000);
    await clock.advance(14_500);
    expect(leader.leads, 'a step of the wall clock abandons nothing').to.equal(false);
    await clock.advance(4_000);
    expect(leader.leads).to.equal(true);
    expect(server.lease?.spec).to.deep.include({ holderIdentity: 'me', leaseTransitions: 4 });
  });

  it('begins to wait anew when the holder changes', async () => {
    const { leader, clock } = candidate('me');
    server.set(others());
    void leader.acquire(stop.signal);
    await clock.advance(14_500);
    server.set({ holderIdentity: 'third' });
    await clock.advance(14_000);
    expect(leader.leads).to.equal(false);
    expect(server.lease?.spec?.holderIdentity).to.equal('third');
  });

  it('does not lead when another was faster', async () => {
    const { leader, transport, clock } = candidate('me');
    server.set({ ...others(), holderIdentity: '' });
    transport.answer = (request) => {
      if (request.method === 'PATCH') server.set({ holderIdentity: 'other' });
      return server.answer(request);
    };
    void leader.acquire(stop.signal);
    await clock.advance(5_000);
    expect(leader.leads).to.equal(false);
    expect(server.lease?.spec?.holderIdentity).to.equal('other');
  });

  it('goes on campaigning when the API server does not answer, and says so', async () => {
    const { leader, transport, clock, errors } = candidate('me');
    transport.answer = () => new TransportError('connect ECONNREFUSED');
    void leader.acquire(stop.signal);
    await clock.advance(10_000);
    expect(errors).to.have.length.greaterThan(3);
    transport.answer = (request) => server.answer(request);
    await clock.advance(3_000);
    expect(leader.leads).to.equal(true);
  });

  it('renews every two seconds, and leads on', async () => {
    const { leader, clock, transport } = await leading();
    void leader.hold(stop.signal);
    await clock.advance(60_000);
    expect(leader.leads).to.equal(true);
    expect(transport.requests.filter(({ method }) => method === 'PATCH').length).to.be.within(28, 30);
    expect(server.lease?.spec?.renewTime).to.equal('2026-11-02T12:01:00.000000Z');
  });

  it('may not act any more when its renewals have failed for ten seconds', async () => {
    const { leader, clock, transport } = await leading();
    let held = true;
    void leader.hold(stop.signal).then(() => {
      held = false;
    });
    transport.answer = () => new TransportError('no route to host');
    await clock.advance(9_000);
    expect([leader.leads, leader.remainingMs]).to.deep.equal([true, 1_000]);
    await clock.advance(1_000);
    expect([leader.leads, leader.remainingMs]).to.deep.equal([false, 0]);
    await clock.advance(2_000);
    expect(held).to.equal(false);
  });

  it('counts a renewal from before it was sent', async () => {
    const { leader, clock, transport } = await leading();
    void leader.hold(stop.signal);
    transport.answer = async (request) => {
      if (request.method === 'PATCH') await clock.sleep(5_000);
      return server.answer(request);
    };
    await clock.advance(7_000);
    expect(leader.remainingMs).to.equal(5_000);
  });

  for (const step of [-11_000, 11_000]) {
    it(`ends when the wall clock steps by ${step / 1000} s: the process may have been frozen`, async () => {
      const { leader, clock } = await leading();
      clock.step(step);
      expect(leader.leads).to.equal(false);
    });
  }

  it('ends when another has taken the Lease', async () => {
    const { leader, clock } = await leading();
    void leader.hold(stop.signal);
    server.set({ holderIdentity: 'other' });
    await clock.advance(2_000);
    expect(leader.leads).to.equal(false);
    expect(server.lease?.spec?.holderIdentity).to.equal('other');
  });

  it('is proven by what the API server says now', async () => {
    const { leader, transport } = await leading();
    expect(await leader.prove()).to.equal(true);
    server.set({ holderIdentity: 'other' });
    expect(await leader.prove()).to.equal(false);
    expect(leader.leads).to.equal(false);
    const asked = transport.requests.length;
    expect(await leader.prove(), 'and is not asked for when it is known to be over').to.equal(false);
    expect(transport.requests).to.have.length(asked);
  });

  it('is handed over at a clean end: the next candidate takes it at once', async () => {
    const { leader } = await leading();
    await leader.release();
    expect(leader.leads).to.equal(false);
    expect(server.lease?.spec?.holderIdentity).to.equal('');
    const { clock } = await leading('next');
    expect(clock.slept).to.deep.equal([]);
  });

  it('is not handed over by one who no longer has it', async () => {
    const { leader } = await leading();
    server.set(others());
    await leader.release();
    expect(server.lease?.spec).to.deep.include({ holderIdentity: 'other', leaseDurationSeconds: 15 });
  });

  for (const late of ['GET', 'PATCH']) {
    it(`does not come back by a renewal that was under way (${late}) when it was given up`, async () => {
      const { leader, clock, transport } = await leading();
      let answer: () => void = () => undefined;
      transport.answer = async (request) => {
        const answered = server.answer(request);
        if (request.method === late)
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
        return answered;
      };
      void leader.hold(stop.signal);
      await clock.advance(2_000);
      leader.resign();
      answer();
      await settled();
      answer();
      await settled();
      expect(leader.leads).to.equal(false);
    });
  }

  it('ends its campaign when it is told to', async () => {
    const { leader, clock } = candidate('me');
    server.set(others());
    const campaign = leader.acquire(stop.signal);
    await clock.advance(1_000);
    stop.abort();
    await campaign;
    expect(leader.leads).to.equal(false);
  });

  it('never has two leaders, however they are cut off', async () => {
    const clock = new FakeClock();
    const both = [candidate('one', clock), candidate('two', clock)];
    const campaign = async ({ leader }: ReturnType<typeof candidate>) => {
      while (!stop.signal.aborted) {
        await leader.acquire(stop.signal);
        await leader.hold(stop.signal);
      }
    };
    for (const one of both) void campaign(one);
    const led = new Set<string>();
    for (let round = 0; round < 200; round += 1) {
      const cutOff = both[Math.floor(round / 40) % 2];
      for (const one of both) {
        const cut = one === cutOff && round % 40 < 20;
        one.transport.answer = (request) => (cut ? new TransportError('cut off') : server.answer(request));
      }
      await clock.advance(1_000);
      const leaders = both.flatMap(({ leader }, index) => (leader.leads ? [`candidate ${index}`] : []));
      expect(leaders, `round ${round}`).to.have.length.at.most(1);
      for (const name of leaders) led.add(name);
    }
    expect([...led].sort()).to.deep.equal(['candidate 0', 'candidate 1']);
  });
});
