import { expect } from 'chai';
import { sharedHarbour } from './support/shared.ts';

describe('something else that reboots nodes', () => {
  const shared = sharedHarbour();

  const others: readonly { what: string; object: object; name: string; remove: string[] }[] = [
    {
      what: 'a DaemonSet of kured',
      object: {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: 'reboots', namespace: 'kube-system' },
        spec: {
          selector: { matchLabels: { app: 'reboots' } },
          template: {
            metadata: { labels: { app: 'reboots' } },
            spec: { hostPID: true, containers: [{ name: 'main', image: 'ghcr.io/kubereboot/kured:1.23.0' }] },
          },
        },
      },
      name: 'the DaemonSet kube-system/reboots (kured)',
      // Its pods go first: a drain would refuse one that is left without its DaemonSet.
      remove: ['-n', 'kube-system', 'delete', 'daemonset', 'reboots', '--cascade=foreground'],
    },
    {
      what: 'a Drydock of another namespace',
      object: {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: {
          name: 'drydock-lock',
          namespace: 'kube-public',
          annotations: { 'drydock.dev/format': '1', 'drydock.dev/epoch': '1', 'drydock.dev/slots': '[]' },
        },
        spec: {},
      },
      name: 'the Drydock of namespace kube-public',
      remove: ['-n', 'kube-public', 'delete', 'lease', 'drydock-lock'],
    },
  ];

  for (const { what, object, name, remove } of others) {
    it(`keeps every node from starting, and is named: ${what}`, async () => {
      const { h, machine } = await scene();
      await h.bed.apply(JSON.stringify(object));
      await h.untilPolicy('Ready', 'False', 'OtherRebooter');
      machine.requireReboot();
      await h.untilVerdict(machine.name, 'OtherRebooter');
      expect(h.nodeReboot(machine.name)?.status?.verdict?.message).to.contain(name).and.contain('Ignore');
      const { message } = await h.untilPolicy('Ready', 'False', 'OtherRebooter');
      expect(message).to.contain(name);
      expect(h.slots()).to.deep.equal([]);

      await h.kubectl(...remove);
      await h.untilBack(machine, 1);
    });
  }

  it('is passed over by a policy that says so', async () => {
    const { h, machine } = await scene();
    for (const { object } of others) await h.bed.apply(JSON.stringify(object));
    await h.untilPolicy('Ready', 'False', 'OtherRebooter');
    machine.requireReboot();
    await h.untilVerdict(machine.name, 'OtherRebooter');
    await h.applyPolicy({ otherRebooters: 'Ignore' });
    await h.untilBack(machine, 1);
    for (const { remove } of others) await h.kubectl(...remove);
  });

  async function scene() {
    const { h } = shared();
    await h.applyPolicy();
    return { h, machine: await shared().addMachine() };
  }
});
