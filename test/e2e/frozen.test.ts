import { expect } from 'chai';
import { SOON } from './support/harbour.ts';
import { MOMENTS } from './support/moments.ts';
import { pairForAll } from './support/pair.ts';

describe('a leader that is frozen', () => {
  const pair = pairForAll();

  for (const moment of MOMENTS) {
    it(`${moment.when}, does no harm when it is thawed beside the next leader, and steps down`, async () => {
      const duel = pair();
      const before = duel.tally();
      const hold = await duel.stopAt(moment);
      const attemptID = duel.attemptID();
      const frozen = duel.leader;
      const lines = frozen.log().length;
      frozen.freeze();
      await duel.takeOver();
      // It still takes itself for the leader: less time has passed than a leadership lasts without a renewal.
      frozen.thaw();
      if (moment.whose === 'agent') hold.release();
      await duel.assertRebootedOnce(before, attemptID);

      if (moment.whose === 'controller') expect(await hold.deliver(), 'the late request').to.be.oneOf([404, 409]);
      await frozen.waitForLog('"no longer leading"', { timeoutMs: SOON, after: lines });
      await duel.assertRebootedOnce(before, attemptID);
    });
  }

  it('until its Lease has run out, finds the work done and its own request refused', async () => {
    const duel = pair();
    const before = duel.tally();
    const [moment] = MOMENTS.filter(({ when }) => when === 'marked, before the request is written');
    if (moment === undefined) throw new Error('there is no such moment');
    const hold = await duel.stopAt(moment);
    const attemptID = duel.attemptID();
    const frozen = duel.leader;
    const [lines, standbyLines] = [frozen.log().length, duel.standby.log().length];
    frozen.freeze();
    await duel.untilTakenOver(standbyLines);
    await duel.assertRebootedOnce(before, attemptID);

    expect(await hold.deliver(), 'the late request').to.equal(409);
    frozen.thaw();
    await frozen.waitForLog('"no longer leading"', { timeoutMs: SOON, after: lines });
    await duel.assertRebootedOnce(before, attemptID);
  });
});
