import { expect } from 'chai';
import { waitFor } from '../testbed/process/wait.ts';
import { harbourForEach, SOON } from './support/harbour.ts';

describe('a roll of nodes that require a reboot', () => {
  const harbour = harbourForEach();

  it('reboots three nodes one at a time, in the order in which they asked, exactly once each', async () => {
    const h = harbour();
    const { machines } = await h.begin({ machines: ['n1', 'n2', 'n3'], policy: { settle: '2s' } });
    await h.deploy({ name: 'web', replicas: 6 });
    for (const machine of machines) {
      await h.until(
        `the agent of ${machine.name} to report`,
        ({ kind, name }) => kind === 'NodeReboot' && name === machine.name,
      );
    }
    for (const name of ['n3', 'n1', 'n2']) {
      const mark = h.timeline.mark();
      machines.find((machine) => machine.name === name)?.requireReboot(['linux-image-6.8.0', 'libc6']);
      await h.until(
        `${name} to say so`,
        (entry) =>
          entry.kind === 'NodeReboot' &&
          entry.name === name &&
          JSON.stringify(entry.object).includes('"rebootRequired":true'),
        mark,
      );
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }

    for (const machine of machines) await h.untilBack(machine, 1);

    expect(h.rebootedInOrder()).to.deep.equal(['n3', 'n1', 'n2']);
    for (const machine of machines) {
      expect(machine.rebooter.orders, `orders to ${machine.name}`).to.have.length(1);
      const [last] = h.nodeReboot(machine.name)?.status?.history ?? [];
      expect(last).to.include({ outcome: 'Rebooted', policy: 'workers', toBootID: machine.bootId });
      expect(last?.reasons).to.deep.equal(['libc6', 'linux-image-6.8.0']);
    }
  });

  it('does not even cordon a node whose pods a PodDisruptionBudget keeps, and names them', async () => {
    const h = harbour();
    const { machine } = await h.begin();
    await h.deploy({ name: 'db', replicas: 2, minAvailable: 2, nodeSelector: { role: 'worker' } });
    machine.requireReboot();

    await h.untilVerdict('n1', 'BackingOff');
    const [last] = h.nodeReboot('n1')?.status?.history ?? [];
    expect(last).to.include({ outcome: 'Interrupted', code: 'DrainWouldBlock' });
    expect(last?.message).to.contain('default/db-');
    expect(await h.podsOn('n1')).to.have.length(2);
    const cordons = h.timeline.ordered('Node', 'n1').filter(({ object }) => 'unschedulable' in (object.spec as object));
    expect(cordons).to.deep.equal([]);
  });

  it('waits while a PodDisruptionBudget blocks half-way, names it, and goes on once it is relaxed', async () => {
    const h = harbour();
    const { machine } = await h.beginDrain();
    expect(h.nodeReboot('n1')?.status?.verdict?.message).to.contain('PodDisruptionBudget db');
    const left = () => h.nodeReboot('n1')?.status?.drain?.podsLeft;
    await waitFor('one pod to be left', async () => left() === 1 || undefined, { timeoutMs: SOON });
    expect(h.isCordoned('n1')).to.equal(true);
    expect(await h.podsOn('n1')).to.have.length(1);
    expect(machine.rebooter.orders).to.have.length(0);

    await h.kubectl('patch', 'pdb', 'db', '--type=merge', '-p', '{"spec":{"minAvailable":0}}');
    await h.untilBack(machine, 1);
  });
});
