import { expect } from 'chai';
import type { Gates } from '../../src/api/generated/rebootpolicy.ts';
import { GateKeeper } from '../../src/controller/gateKeeper.ts';
import type { Verdict } from '../../src/core/model.ts';
import { FakeClock, settled } from '../support/clock.ts';

const CLOSED: Verdict = { code: 'ActiveAlerts', message: 'x' };
const GATES: Gates = { prometheus: { url: 'http://prometheus' } };

describe('the gate keeper', () => {
  let clock: FakeClock;
  let answer: Verdict | null;
  /** How long the gates take to answer. */
  let takesMs: number;
  let asked: number;
  let told: number;
  let keeper: GateKeeper;

  beforeEach(() => {
    clock = new FakeClock();
    answer = CLOSED;
    takesMs = 0;
    asked = 0;
    told = 0;
    const ask = async () => {
      asked += 1;
      if (takesMs > 0) await clock.sleep(takesMs);
      return answer;
    };
    keeper = new GateKeeper(ask, clock, () => {
      told += 1;
    });
  });

  /** What the keeper says to somebody who waits as long as it takes, and how long that is. */
  async function askWaiting(gates = GATES): Promise<{ verdict: Verdict | null; ms: number }> {
    const began = clock.monotonic();
    const saying = keeper.ask(gates).then((verdict) => ({ verdict, ms: clock.monotonic() - began }));
    await clock.advance(2_000);
    return await saying;
  }

  for (const [what, verdict, keeps] of [
    ['a closed', CLOSED, 10_000],
    ['an open', null, 1_000],
  ] as const) {
    it(`keeps ${what} answer for ${keeps / 1_000} s, and not longer`, async () => {
      answer = verdict;
      expect(await keeper.ask(GATES)).to.equal(verdict);
      answer = verdict === null ? CLOSED : null;
      await clock.advance(keeps);
      expect(await keeper.ask({ prometheus: { url: 'http://prometheus' } }), 'of the same gates').to.equal(verdict);
      expect(asked).to.equal(1);
      await clock.advance(1);
      expect(await keeper.ask(GATES)).to.equal(answer);
      expect(asked).to.equal(2);
    });
  }

  it('does not take the answer of other gates', async () => {
    await keeper.ask(GATES);
    await keeper.ask({ prometheus: { url: 'http://other' } });
    expect(asked).to.equal(2);
  });

  it('asks once for all who ask at the same time', async () => {
    takesMs = 500;
    const both = Promise.all([keeper.ask(GATES), keeper.ask(GATES)]);
    await clock.advance(500);
    expect(await both).to.deep.equal([CLOSED, CLOSED]);
    expect(asked).to.equal(1);
  });

  it('lets nobody wait longer than a second for gates that hang, and takes them for closed', async () => {
    takesMs = 60_000;
    const { verdict, ms } = await askWaiting();
    expect(verdict).to.deep.equal({ code: 'CheckingGates', message: 'The gates of the policy are being asked.' });
    expect(ms).to.equal(1_000);
    expect((await askWaiting()).ms, 'a second time').to.equal(0);
    expect(asked).to.equal(1);
  });

  it('tells when a late answer has come, and has it ready', async () => {
    takesMs = 5_000;
    answer = null;
    await askWaiting();
    expect(told).to.equal(0);
    await clock.advance(3_000);
    expect(told).to.equal(1);
    expect(await keeper.ask(GATES)).to.equal(null);
    expect(asked).to.equal(1);
  });

  it('says what closed gates said before while they hang, so that what people read does not flicker', async () => {
    await keeper.ask(GATES);
    takesMs = 60_000;
    await clock.advance(30_000);
    expect((await askWaiting()).verdict).to.equal(CLOSED);
  });

  it('takes gates that were open for closed while they hang', async () => {
    answer = null;
    expect(await keeper.ask(GATES)).to.equal(null);
    takesMs = 60_000;
    await clock.advance(30_000);
    expect((await askWaiting()).verdict).to.have.property('code', 'CheckingGates');
  });

  it('asks again after it could not be asked at all', async () => {
    let fails = true;
    const failing = new GateKeeper(
      async () => {
        if (fails) throw new Error('broken');
        return null;
      },
      clock,
      () => undefined,
    );
    const error = await failing.ask(GATES).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(Error);
    fails = false;
    await settled();
    expect(await failing.ask(GATES)).to.equal(null);
  });

  it('leaves no timer behind', async () => {
    await keeper.ask(GATES);
    await settled();
    expect(clock.sleeping).to.equal(0);
  });
});
