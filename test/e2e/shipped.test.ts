import { shipped } from '../testbed/process/shipped.ts';
import { harbourForEach } from './support/harbour.ts';

describe('the bundles, as they ship', () => {
  const harbour = harbourForEach();

  it('reboot a node as the sources do', async () => {
    const h = harbour();
    const program = await shipped();
    await h.addSpareNode();
    const machine = await h.addMachine('n1', { program });
    await h.deploy({ name: 'web', replicas: 4 });
    await h.startController({ program });
    await h.applyPolicy();
    await h.reboot(machine);
  });
});
