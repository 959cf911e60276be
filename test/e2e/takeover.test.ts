import { MOMENTS } from './support/moments.ts';
import { pairForAll } from './support/pair.ts';

describe('a leader that is killed', () => {
  const pair = pairForAll();

  for (const moment of MOMENTS) {
    it(`${moment.when}, is replaced by the standby, which sees the node through its one reboot`, async () => {
      const duel = pair();
      const before = duel.tally();
      const hold = await duel.stopAt(moment);
      const attemptID = duel.attemptID();
      const killed = duel.leader;
      await killed.kill();
      if (moment.whose === 'controller') hold.drop();
      await duel.takeOver();
      hold.release();
      await Promise.all([duel.assertRebootedOnce(before, attemptID), killed.start()]);
      await killed.waitUntilReady();
    });
  }
});
