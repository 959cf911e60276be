import { expect } from 'chai';
import { harbourForEach } from './support/harbour.ts';

describe('a roll', () => {
  const harbour = harbourForEach();

  it('goes on after the API server was away while one node drained and while the next rebooted', async () => {
    const h = harbour();
    const { machine, machines } = await h.beginDrain({ machines: ['n1', 'n2'] });
    const next = machines[1] ?? machine;
    next.rebooter.onOrder = 'hang';
    await h.bed.stopApiServer();
    await h.bed.startApiServer();
    await h.letDrain();
    next.requireReboot();
    await h.untilBack(machine, 1);

    await h.untilOrdered(next);
    await h.bed.stopApiServer();
    next.beginReboot();
    await h.bed.startApiServer();
    await h.untilBack(next, 1);
    for (const { name, rebooter, bootIds } of machines) {
      expect(rebooter.orders, `orders to ${name}`).to.have.length(1);
      expect(bootIds, `boots of ${name}`).to.have.length(2);
      expect(h.nodeReboot(name)?.status?.history, `history of ${name}`).to.have.length(1);
    }
  });
});
