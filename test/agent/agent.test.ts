import { expect } from 'chai';
import { Agent } from '../../src/agent/agent.ts';
import type { OrderOutcome } from '../../src/agent/ports.ts';
import type { NodeRebootSpec, Reboot } from '../../src/api/generated/nodereboot.ts';
import type { Probe, Sentinel } from '../../src/core/agent.ts';
import type { NodeReboot } from '../../src/core/model.ts';
import { FakeClock, settled } from '../support/clock.ts';
import { MemoryLog } from '../support/log.ts';
import { mergePatch } from '../support/mergePatch.ts';
import { OwnDouble } from './ownDouble.ts';

const ID = 'attempt-1';
const REQUEST: Reboot = {
  attemptID: ID,
  fromBootID: 'boot-1-of-n1',
  nodeRebootUID: 'nrb-of-n1',
  delaySeconds: 0,
  timeoutSeconds: 600,
  baseline: {},
};

describe('the agent', () => {
  let own: OwnDouble;
  let clock: FakeClock;
  let log: MemoryLog;
  let stop: AbortController;
  let sentinel: Sentinel | Error;
  let probe: Probe;
  let outcome: OrderOutcome;
  let probes: string[];
  let reads: number;
  let orders: string[];
  let bootID: string;
  let notice: () => void;
  /** What was written when an order was given. */
  let countedBefore: unknown[];

  beforeEach(() => {
    own = new OwnDouble();
    clock = new FakeClock();
    log = new MemoryLog();
    stop = new AbortController();
    sentinel = { required: false, changed: '', placed: '', reasons: [] };
    probe = { able: true, method: 'Testbed' };
    outcome = { kind: 'ordered' };
    probes = [];
    reads = 0;
    orders = [];
    countedBefore = [];
    bootID = 'boot-1-of-n1';
  });
  afterEach(() => stop.abort());

  function start(): Agent {
    const agent = new Agent({
      own,
      node: { bootID: async () => bootID, uptime: async () => clock.monotonic() / 1000 },
      sentinels: {
        read: async () => {
          reads += 1;
          if (sentinel instanceof Error) throw sentinel;
          return sentinel;
        },
        watch: (onChange) => {
          notice = onChange;
        },
      },
      rebooter: {
        probe: async (attemptID) => {
          probes.push(attemptID);
          return probe;
        },
        order: async (attemptID) => {
          orders.push(attemptID);
          countedBefore.push(own.stored?.status?.agent?.orders);
          return outcome;
        },
      },
      nodeUID: async () => 'uid-of-n1',
      version: '0.1.0',
      clock,
      random: () => 0.5,
      log,
    });
    void agent.run(stop.signal);
    return agent;
  }

  /** Somebody writes the spec, and the watch tells. */
  async function tell(agent: Agent, spec: Partial<NodeRebootSpec>, told = true) {
    own.write({ spec });
    if (told) own.seen = own.stored;
    agent.poke();
    await settled();
  }
  const stored = () => own.stored?.status?.agent;

  it('reports once, and writes nothing more while nothing changes', async () => {
    start();
    await clock.advance(3_600_000);
    expect(own.patches).to.have.length(1);
    expect(stored()).to.deep.equal({
      bootID: 'boot-1-of-n1',
      nodeUID: 'uid-of-n1',
      version: '0.1.0',
      rebootRequired: false,
      reboot: { able: true, method: 'Testbed' },
    });
    expect(probes, 'an able rebooter is not probed again').to.deep.equal(['']);
  });

  it('waits for its NodeReboot, and meanwhile reads no file, asks no rebooter and sends nothing', async () => {
    own.seen = undefined;
    const agent = start();
    await clock.advance(3_600_000);
    expect(own.patches).to.deep.equal([]);
    expect([reads, probes]).to.deep.equal([0, []]);
    own.seen = own.stored;
    agent.poke();
    await settled();
    expect(own.patches).to.have.length(1);
  });

  it('reports a sentinel as soon as it is noticed, and when it goes', async () => {
    start();
    await settled();
    sentinel = { required: true, changed: '2026-11-02T11:59:00Z', placed: '', reasons: ['libc6'] };
    notice();
    await settled();
    expect(stored()).to.deep.include({ rebootRequired: true, reasons: ['libc6'], since: '2026-11-02T12:00:00.000Z' });
    sentinel = { required: false, changed: '', placed: '', reasons: [] };
    notice();
    await settled();
    expect(stored()).to.include({ rebootRequired: false });
    expect(stored()).not.to.have.any.keys('since', 'changed', 'reasons', 'sinceUptime');
    expect(own.patches).to.have.length(3);
  });

  it('sees a sentinel that nothing told of within a minute', async () => {
    start();
    await settled();
    sentinel = { required: true, changed: '2026-11-02T11:59:00Z', placed: '', reasons: [] };
    await clock.advance(60_000);
    expect(stored()).to.include({ rebootRequired: true });
  });

  it('says nothing new while the sentinel cannot be looked at, and goes on', async () => {
    start();
    await settled();
    sentinel = new Error('EACCES');
    notice();
    await clock.advance(600_000);
    expect(own.patches).to.have.length(1);
    expect(log.of('warn').length, 'at a falling rate').to.be.within(3, 30);
    sentinel = { required: true, changed: '2026-11-02T11:59:00Z', placed: '', reasons: [] };
    await clock.advance(60_000);
    expect(stored()).to.include({ rebootRequired: true });
  });

  it('probes a rebooter that was not able once a minute, and reports when it is', async () => {
    probe = { able: false, reason: 'no D-Bus' };
    start();
    await clock.advance(150_000);
    expect(probes).to.have.length(3);
    expect(stored()?.reboot).to.deep.equal({ able: false, reason: 'no D-Bus' });
    expect(own.patches).to.have.length(1);
    probe = { able: true, method: 'Logind' };
    await clock.advance(60_000);
    expect(stored()?.reboot).to.deep.equal({ able: true, method: 'Logind' });
  });

  it('answers an attempt that asks whether it could, with a fresh probe, once', async () => {
    const agent = start();
    await tell(agent, { prepare: { attemptID: ID } });
    await clock.advance(300_000);
    expect(stored()?.prepared).to.deep.equal({ attemptID: ID, able: true });
    expect(probes).to.deep.equal(['', ID]);
  });

  it('says why it could not', async () => {
    const agent = start();
    await settled();
    probe = { able: false, reason: 'inhibited' };
    await tell(agent, { prepare: { attemptID: ID } });
    expect(stored()?.prepared).to.deep.equal({ attemptID: ID, able: false, reason: 'inhibited' });
    probe = { able: true, method: 'Testbed' };
    await tell(agent, { prepare: { attemptID: 'attempt-2' } });
    expect(stored()?.prepared, 'and no reason of before when it can').to.deep.equal({
      attemptID: 'attempt-2',
      able: true,
    });
  });

  it('accepts a request, counts the order, then gives it, once', async () => {
    const agent = start();
    await tell(agent, { reboot: REQUEST });
    await clock.advance(300_000);
    expect(stored()).to.include({ accepted: ID, acceptedUptime: 1_000, orders: 1 });
    expect(orders).to.deep.equal([ID]);
    expect(countedBefore).to.deep.equal([1]);
    expect(own.patches.slice(1)).to.deep.equal([
      { accepted: ID, acceptedUptime: 1_000, orders: 0, failed: null },
      { orders: 1 },
    ]);
  });

  it('orders nothing when the request was withdrawn before it accepted: it reads again and judges again', async () => {
    const agent = start();
    await settled();
    own.seen = mergePatch(own.stored, { spec: { reboot: REQUEST } }) as NodeReboot;
    own.write({ spec: { reboot: null } });
    agent.poke();
    await settled();
    expect(own.refreshes).to.equal(1);
    expect(orders).to.deep.equal([]);
    expect(stored()).not.to.have.property('accepted');
    expect(log.of('warn'), 'a conflict is nothing to warn of').to.deep.equal([]);
  });

  it('accepts after a conflict with something else', async () => {
    const agent = start();
    await settled();
    own.write({ spec: { reboot: REQUEST } });
    own.seen = own.stored;
    own.write({ metadata: { labels: { a: 'b' } } });
    agent.poke();
    await settled();
    expect(orders).to.deep.equal([ID]);
  });

  it('gives no order whose count was refused', async () => {
    const agent = start();
    await settled();
    own.write({ spec: { reboot: REQUEST }, status: { agent: { accepted: ID, acceptedUptime: 1_000, orders: 0 } } });
    own.seen = own.stored;
    own.write({ spec: { reboot: { ...REQUEST, fromBootID: 'boot-2' } } });
    agent.poke();
    await settled();
    expect(orders).to.deep.equal([]);
  });

  it('does not hammer the API server when conflicts do not end', async () => {
    own.refreshFails = true;
    own.write({ metadata: {} });
    start();
    await clock.advance(60_000);
    expect(own.refreshes).to.be.within(3, 12);
    expect(clock.slept.slice(0, 4)).to.deep.equal([400, 800, 1_600, 3_200]);
    own.refreshFails = false;
    await clock.advance(60_000);
    expect(stored()).to.include({ bootID: 'boot-1-of-n1' });
  });

  it('backs off while its writes fail, and reports when they do not', async () => {
    own.failures.push(...Array.from({ length: 8 }, () => new Error('connect ECONNREFUSED')));
    start();
    await clock.advance(120_000);
    expect(clock.slept.slice(0, 8)).to.deep.equal([400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
    expect(own.patches).to.have.length(1);
  });

  it('reports an order that was certainly refused as failed, once, and never repeats it', async () => {
    outcome = { kind: 'refused', reason: `inhibited ${'x'.repeat(999)}` };
    const agent = start();
    await tell(agent, { reboot: REQUEST });
    await clock.advance(3_600_000);
    expect(orders).to.deep.equal([ID]);
    expect(stored()?.failed?.attemptID).to.equal(ID);
    expect(stored()?.failed?.reason)
      .to.match(/^inhibited x+$/)
      .and.have.length(256);
    expect(own.patches.filter((patch) => 'failed' in patch && patch.failed !== null)).to.have.length(1);
  });

  it('accepts the next attempt after a failed one', async () => {
    outcome = { kind: 'refused', reason: 'inhibited' };
    const agent = start();
    await tell(agent, { reboot: REQUEST });
    outcome = { kind: 'ordered' };
    await tell(agent, { reboot: { ...REQUEST, attemptID: 'attempt-2' } });
    expect(orders).to.deep.equal([ID, 'attempt-2']);
    expect(stored()).to.include({ accepted: 'attempt-2', orders: 1 });
    expect(stored()).not.to.have.property('failed');
  });

  it('neither repeats nor reports an order of unknown outcome in the same process', async () => {
    outcome = { kind: 'unknown', why: 'no reply' };
    const agent = start();
    await tell(agent, { reboot: REQUEST });
    await clock.advance(3_600_000);
    expect(orders).to.deep.equal([ID]);
    expect(stored()).not.to.have.property('failed');
    expect(
      log.of('debug').filter((message) => message === 'waiting'),
      'said, but not at every poll',
    ).to.have.length(1);
  });

  it('orders again after each restart in the same boot, three times in all', async () => {
    outcome = { kind: 'unknown', why: 'no reply' };
    own.write({ spec: { reboot: REQUEST } });
    own.seen = own.stored;
    for (let run = 0; run < 5; run += 1) {
      stop = new AbortController();
      start();
      await settled();
      stop.abort();
      await settled();
    }
    expect(orders).to.deep.equal([ID, ID, ID]);
    expect(stored()).to.include({ accepted: ID, orders: 3 });
  });

  it('orders nothing after a restart in another boot', async () => {
    own.write({ spec: { reboot: REQUEST } });
    own.seen = own.stored;
    start();
    await settled();
    stop.abort();
    bootID = 'boot-2-of-n1';
    stop = new AbortController();
    start();
    await settled();
    expect(orders).to.deep.equal([ID]);
    expect(stored()).to.include({ bootID: 'boot-2-of-n1', accepted: ID });
  });

  const refused: Record<string, Partial<Reboot>> = {
    'made to another boot': { fromBootID: 'boot-0' },
    'made through another NodeReboot': { nodeRebootUID: 'nrb-of-before' },
  };
  for (const [what, changes] of Object.entries(refused)) {
    it(`does not accept a request that was ${what}`, async () => {
      const agent = start();
      await tell(agent, { reboot: { ...REQUEST, ...changes } });
      await clock.advance(300_000);
      expect(orders).to.deep.equal([]);
      expect(stored()).not.to.have.property('accepted');
    });
  }

  it('waits for the delay of a request, and not for the next poll', async () => {
    const agent = start();
    await tell(agent, { reboot: { ...REQUEST, delaySeconds: 7 } });
    await clock.advance(6_900);
    expect(orders).to.deep.equal([]);
    await clock.advance(200);
    expect(orders).to.deep.equal([ID]);
  });
});
