import { expect } from 'chai';
import { StatusWriter } from '../../src/controller/statusWriter.ts';
import { FakeClock } from '../support/clock.ts';
import {
  aNode,
  aNodeReboot,
  anAttempt,
  aSlot,
  cordonedFor,
  decideOn,
  type Given,
  required,
} from '../support/cluster.ts';
import { EffectsDouble, refusal } from './doubles.ts';

const SPARE = aNode('spare', { labels: {} });

describe('statuses', () => {
  let effects: EffectsDouble;
  let clock: FakeClock;
  let writer: StatusWriter;
  let errors: unknown[];
  beforeEach(() => {
    effects = new EffectsDouble();
    clock = new FakeClock();
    errors = [];
    writer = new StatusWriter(effects, clock, (error) => errors.push(error));
  });
  const write = (given: Given) => {
    const { plan, snapshot } = decideOn(given);
    return writer.write(plan, snapshot);
  };

  const one = (reason = 'x'): Given => ({
    nodes: [aNode('n1', { annotations: { 'drydock.dev/hold': reason } }), SPARE],
    nodeReboots: [aNodeReboot('n1', {}, { agent: required() })],
  });

  it('writes nothing while nothing changes', async () => {
    const { plan, snapshot } = decideOn({ policies: [], nodes: [SPARE] });
    for (let time = 0; time < 10; time += 1) {
      expect(await writer.write(plan, snapshot)).to.equal(Number.POSITIVE_INFINITY);
      await clock.advance(1_000);
    }
    expect(effects.done).to.deep.equal([]);
  });

  function crowd(): Given {
    const names = Array.from({ length: 30 }, (_, index) => `a${String(index).padStart(2, '0')}`);
    const attempt = anAttempt('z');
    return {
      nodes: [...names.map((name) => aNode(name)), aNode('z', cordonedFor(attempt.id)), SPARE],
      nodeReboots: [
        ...names.map((name) => aNodeReboot(name, {}, { agent: required() })),
        aNodeReboot('z', { attempt, prepare: { attemptID: attempt.id } }, { agent: required() }),
      ],
      slots: [aSlot('z')],
    };
  }

  it('writes nodes in flight first, and twenty at a time', async () => {
    await write(crowd());
    await clock.advance(2_000);
    expect(await write(crowd()), 'the others are due at once').to.equal(0);
    expect(effects.done).to.have.length(20);
    expect(effects.done.slice(0, 2)).to.deep.equal(['status workers', 'status z']);
  });

  it('goes on when a write fails', async () => {
    effects.failures.set('status n1', refusal(409));
    await write(one());
    await clock.advance(2_000);
    await write(one());
    expect(effects.done).to.deep.equal(['status workers']);
    expect(errors).to.have.length(1);
    effects.failures.clear();
    await write(one());
    await clock.advance(2_000);
    await write(one());
    expect(effects.done).to.include('status n1');
  });

  it('announces a verdict that alarms once it is written, and not again', async () => {
    const persisting = (code?: string): Given => {
      const entry = {
        attemptID: 'o',
        outcome: 'Rebooted' as const,
        code: 'Rebooted',
        message: '',
        startedAt: '',
        endedAt: '',
      };
      const history = [{ ...entry, toBootID: 'boot-1-of-n1', reasons: ['libc6'] }];
      const verdict = code === undefined ? {} : { verdict: { code, message: 'x' } };
      return {
        nodeReboots: [aNodeReboot('n1', {}, { agent: { ...required(), sinceUptime: 5 }, history, ...verdict })],
      };
    };
    await write(persisting());
    await clock.advance(2_000);
    await write(persisting());
    expect(effects.announcements.map(({ type, reason, about }) => [type, reason, about.name])).to.deep.equal([
      ['Warning', 'SentinelPersists', 'n1'],
    ]);
    await write(persisting('SentinelPersists'));
    await clock.advance(2_000);
    await write(persisting('SentinelPersists'));
    expect(effects.announcements).to.have.length(1);
  });
});
