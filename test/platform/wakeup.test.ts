import { expect } from 'chai';
import { systemClock } from '../../src/platform/clock.ts';
import { Wakeup } from '../../src/platform/wakeup.ts';
import { FakeClock, settled } from '../support/clock.ts';

describe('a wakeup', () => {
  let clock: FakeClock;
  let wakeup: Wakeup;
  let stop: AbortController;
  beforeEach(() => {
    clock = new FakeClock();
    wakeup = new Wakeup(clock);
    stop = new AbortController();
  });

  async function waiting(ms = 1_000) {
    const state = { woken: false };
    void wakeup.wait(ms, stop.signal).then(() => {
      state.woken = true;
    });
    await settled();
    return state;
  }

  it('waits its time', async () => {
    const state = await waiting();
    await clock.advance(999);
    expect(state.woken).to.equal(false);
    await clock.advance(1);
    expect(state.woken).to.equal(true);
  });

  it('ends its wait when it is poked', async () => {
    const state = await waiting();
    wakeup.poke();
    await settled();
    expect(state.woken).to.equal(true);
  });

  it('does not lose a poke while nobody waits, and many count as one', async () => {
    wakeup.poke();
    wakeup.poke();
    expect((await waiting()).woken).to.equal(true);
    expect((await waiting()).woken).to.equal(false);
  });

  it('counts a poke that ended a wait as heard', async () => {
    await waiting();
    wakeup.poke();
    await settled();
    expect((await waiting()).woken).to.equal(false);
  });

  it('ends its wait with the signal, and does not begin another', async () => {
    const state = await waiting();
    stop.abort();
    await settled();
    expect(state.woken).to.equal(true);
    expect((await waiting()).woken).to.equal(true);
  });
});

describe('the system clock', () => {
  it('sleeps no longer than it is told to, and neither forever nor in a rejection', async () => {
    const stop = new AbortController();
    const began = performance.now();
    const sleeps = [
      systemClock.sleep(Number.POSITIVE_INFINITY, stop.signal),
      systemClock.sleep(1e12, stop.signal),
      systemClock.sleep(-5),
      systemClock.sleep(5),
    ];
    await sleeps[2];
    await sleeps[3];
    expect(await Promise.race([sleeps[0], sleeps[1], Promise.resolve('asleep')]), 'a long sleep is long').to.equal(
      'asleep',
    );
    stop.abort();
    await Promise.all(sleeps);
    await systemClock.sleep(1_000, stop.signal);
    expect(performance.now() - began).to.be.below(500);
  });

  it('counts milliseconds that never step back', () => {
    const before = systemClock.monotonic();
    expect(systemClock.monotonic()).to.be.at.least(before);
    expect(Math.abs(systemClock.now() - Date.now())).to.be.below(1_000);
  });
});
