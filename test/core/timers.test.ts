import { expect } from 'chai';
import { Timers } from '../../src/core/timers.ts';

describe('timers', () => {
  it('run from the first decision that mentions them', () => {
    const first = new Timers(new Map(), 1_000);
    expect(first.elapsed('a')).to.equal(0);
    const later = new Timers(first.running, 1_700);
    expect(later.elapsed('a')).to.equal(700);
  });

  it('are forgotten by the first decision that does not mention them', () => {
    const first = new Timers(new Map([['a', 0]]), 1_000);
    first.elapsed('b');
    expect([...first.running.keys()]).to.deep.equal(['b']);
    expect(new Timers(first.running, 2_000).elapsed('a')).to.equal(0);
  });

  it('expire at their limit, and have a decision made then', () => {
    const timers = new Timers(new Map([['a', 0]]), 1_000);
    expect(timers.expired('a', 1_000)).to.equal(true);
    expect(timers.nextWake, 'nothing is awaited').to.equal(Number.POSITIVE_INFINITY);
    expect(timers.expired('a', 1_001)).to.equal(false);
    expect(timers.nextWake).to.equal(1);
    expect(timers.expired('b', 0), 'no time at all is over at once').to.equal(true);
  });

  it('have the earliest decision made that anything asks for', () => {
    const timers = new Timers(new Map(), 0);
    timers.wakeIn(500);
    timers.wakeIn(900);
    expect(timers.nextWake).to.equal(500);
    timers.wakeIn(-5);
    expect(timers.nextWake).to.equal(0);
  });

  it('without a limit never expire', () => {
    expect(new Timers(new Map([['a', 0]]), 1e12).expired('a', Number.POSITIVE_INFINITY)).to.equal(false);
  });
});
