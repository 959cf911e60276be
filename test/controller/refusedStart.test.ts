import { expect } from 'chai';
import { settled } from '../support/clock.ts';
import { refusal } from './doubles.ts';
import { LoopBed } from './loopBed.ts';

describe('a start that the API server refuses', () => {
  it('takes no slot again and again: the slot waits as long as the start does', async () => {
    const bed = new LoopBed();
    bed.effects.failures.set('beginAttempt', refusal(403));
    await bed.lead();
    bed.caches.epoch = 4;
    for (let second = 0; second < 10; second += 1) {
      bed.wakeup.poke();
      await settled();
      await bed.clock.advance(1_000);
    }
    const slots = bed.effects.locks.filter((write) => write.slots.length > 0);
    expect(slots.length).to.be.within(2, 12);
    bed.stop.abort();
  });
});
