import { expect } from 'chai';
import { Agent } from '../../src/agent/agent.ts';
import type { OrderOutcome } from '../../src/agent/ports.ts';
import type { Reboot } from '../../src/api/generated/nodereboot.ts';
import { FakeClock, settled } from '../support/clock.ts';
import { MemoryLog } from '../support/log.ts';
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

describe('the agent leaves one line in its log, with the ID of the attempt,', () => {
  let own: OwnDouble;
  let clock: FakeClock;
  let log: MemoryLog;
  let stop: AbortController;
  let outcome: OrderOutcome;
  let bootID: string;
  beforeEach(() => {
    own = new OwnDouble();
    clock = new FakeClock();
    log = new MemoryLog();
    stop = new AbortController();
    outcome = { kind: 'ordered' };
    bootID = 'boot-1-of-n1';
  });
  afterEach(() => stop.abort());

  function start(): Agent {
    const agent = new Agent({
      own,
      node: { bootID: async () => bootID, uptime: async () => clock.monotonic() / 1000 },
      sentinels: {
        read: async () => ({ required: false, changed: '', placed: '', reasons: [] }),
        watch: () => undefined,
      },
      rebooter: { probe: async () => ({ able: true, method: 'Testbed' }), order: async () => outcome },
      nodeUID: async () => 'uid-of-n1',
      version: '0.1.0',
      clock,
      random: () => 0.5,
      log,
    });
    void agent.run(stop.signal);
    return agent;
  }

  /** The controller writes the request, or takes it away, and the watch tells. */
  async function tell(agent: Agent, spec: { reboot: Reboot | null }) {
    own.write({ spec });
    own.seen = own.stored;
    agent.poke();
    await settled();
  }

  const said = () =>
    log.lines
      .filter(({ fields }) => 'attemptID' in fields && fields.attemptID !== '')
      .map(({ level, message, fields }) => [level, message, fields]);

  it('of each acceptance, each order and its answer', async () => {
    const agent = start();
    await tell(agent, { reboot: REQUEST });
    await clock.advance(600_000);
    expect(said()).to.deep.equal([
      ['info', 'reboot accepted', { attemptID: ID, fromBootID: 'boot-1-of-n1', acceptedUptime: 1_000 }],
      ['info', 'ordering the reboot', { attemptID: ID, orders: 1 }],
      ['info', 'the rebooter has answered the order', { attemptID: ID, orders: 1, outcome: 'ordered' }],
    ]);
  });

  it('of an order that was refused, and of the failure that it is', async () => {
    outcome = { kind: 'refused', reason: 'inhibited' };
    const agent = start();
    await tell(agent, { reboot: REQUEST });
    await clock.advance(600_000);
    expect(said().slice(2)).to.deep.equal([
      [
        'warn',
        'the rebooter has answered the order',
        { attemptID: ID, orders: 1, outcome: 'refused', why: 'inhibited' },
      ],
      ['warn', 'reboot failed', { attemptID: ID, reason: 'inhibited' }],
      ['info', 'reboot request not followed again', { attemptID: ID, why: 'the attempt has been reported as failed' }],
    ]);
  });

  it('of an order of unknown outcome', async () => {
    outcome = { kind: 'unknown', why: 'no reply' };
    const agent = start();
    await tell(agent, { reboot: REQUEST });
    const answer = { attemptID: ID, orders: 1, outcome: 'unknown', why: 'no reply' };
    expect(said().at(-1)).to.deep.equal(['warn', 'the rebooter has answered the order', answer]);
  });

  it('of each request that is refused, not one at every poll, and again when it is made again', async () => {
    const agent = start();
    const stale = { ...REQUEST, fromBootID: 'boot-0' };
    const refusal = (attemptID: string, why: string) => ['warn', 'reboot request refused', { attemptID, why }];
    await tell(agent, { reboot: stale });
    await clock.advance(600_000);
    expect(said()).to.deep.equal([refusal(ID, 'the request is made to another boot')]);
    await tell(agent, { reboot: null });
    await tell(agent, { reboot: stale });
    expect(said()).to.have.length(2);
    await tell(agent, { reboot: { ...REQUEST, attemptID: 'forged', nodeRebootUID: 'other' } });
    expect(said().at(-1)).to.deep.equal(refusal('forged', 'the request was made through another NodeReboot'));
  });

  it('of an attempt that was followed in an earlier boot, as of nothing to worry about', async () => {
    own.write({ spec: { reboot: REQUEST }, status: { agent: { accepted: ID, orders: 1 } } });
    own.seen = own.stored;
    bootID = 'boot-2-of-n1';
    start();
    await clock.advance(600_000);
    const why = 'the request is made to another boot';
    expect(said()).to.deep.equal([['info', 'reboot request not followed again', { attemptID: ID, why }]]);
  });

  it('of orders that have been given too often', async () => {
    own.write({ spec: { reboot: REQUEST }, status: { agent: { accepted: ID, acceptedUptime: 1_000, orders: 3 } } });
    own.seen = own.stored;
    start();
    await clock.advance(300_000);
    const why = 'the order was given 3 times with unknown outcome';
    expect(said()).to.deep.equal([['info', 'reboot request not followed again', { attemptID: ID, why }]]);
  });
});
