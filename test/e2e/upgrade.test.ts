import { expect } from 'chai';
import { previousRelease } from '../testbed/process/previous.ts';
import { harbourForEach } from './support/harbour.ts';

describe('an upgrade of Drydock', () => {
  const harbour = harbourForEach();

  it('in the middle of a roll goes on where the previous release was, and back again', async () => {
    const h = harbour();
    const program = previousRelease();
    const { machines, controller: previous } = await h.beginDrain({
      machines: ['n1', 'n2', 'n3'],
      controller: { identity: 'previous', program },
    });
    const [first, second, third] = machines;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three machines');
    const current = await h.startController({ identity: 'current' });
    await current.waitUntilReady();
    await previous.stop();
    await current.waitForLog('"claimed the cluster lock"', { timeoutMs: 30_000 });
    await h.letDrain();
    await h.untilBack(first, 1);

    second.rebooter.onOrder = 'hang';
    second.requireReboot();
    await h.untilOrdered(second);
    const lines = previous.log().length;
    await previous.start();
    await previous.waitUntilReady();
    await current.stop();
    await previous.waitForLog('"claimed the cluster lock"', { timeoutMs: 30_000, after: lines });
    second.beginReboot();
    await h.untilBack(second, 1);
    await h.reboot(third);

    for (const { name, rebooter } of machines) {
      expect(rebooter.orders, `orders to ${name}`).to.have.length(1);
      expect(h.nodeReboot(name)?.status?.history?.map(({ outcome }) => outcome)).to.deep.equal(['Rebooted']);
    }
    expect(h.epochs()).to.deep.equal([1, 2, 3]);
  });

  it('leaves agents of the previous release behind for a while, which reboot their nodes all the same', async () => {
    const h = harbour();
    await h.addSpareNode();
    const machine = await h.addMachine('n1', { program: previousRelease() });
    await h.startController();
    await h.applyPolicy();
    await h.reboot(machine);
    expect(h.nodeReboot('n1')?.status?.history?.map(({ outcome }) => outcome)).to.deep.equal(['Rebooted']);
  });

  it('that has left a lock of a later format is waited for: nothing starts, and the lock is left alone', async () => {
    const h = harbour();
    const { machine, controller } = await h.begin();
    await controller.stop();
    await h.kubectl('-n', 'drydock', 'annotate', 'lease', 'drydock-lock', 'drydock.dev/format=2', '--overwrite');
    const version = () =>
      h.kubectl('-n', 'drydock', 'get', 'lease', 'drydock-lock', '-o', 'jsonpath={.metadata.resourceVersion}');
    const left = await version();
    machine.requireReboot();
    await controller.start();
    const { message } = await h.untilPolicy('Blocked', 'True', 'LockNewer');
    expect(message).to.contain('has format 2').and.contain('Upgrade Drydock');
    expect(await version()).to.equal(left);
    expect(h.isCordoned('n1')).to.equal(false);

    await h.kubectl('-n', 'drydock', 'annotate', 'lease', 'drydock-lock', 'drydock.dev/format=1', '--overwrite');
    await h.untilBack(machine, 1);
  });
});
