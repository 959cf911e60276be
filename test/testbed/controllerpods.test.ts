import { expect } from 'chai';
import { controllerAccount } from './controller/controller.ts';
import { ControllerPods } from './controller/pods.ts';
import type { Machine } from './machine/machine.ts';
import { waitFor } from './process/wait.ts';
import { TestBed } from './testbed.ts';

describe("controllers' pods of the test bed", () => {
  let bed: TestBed;
  let machine: Machine;
  let pods: ControllerPods;

  before(async () => {
    bed = await TestBed.start();
    await bed.installDrydock();
    machine = await bed.machine('n1', { agent: false });
    pods = await ControllerPods.start(bed);
  });

  after(() => bed?.stop());

  const until = (what: string, holds: () => boolean) => waitFor(what, holds, { timeoutMs: 30_000 });
  const names = (): string[] => [...pods.running.keys()];
  const remove = (...what: string[]) => bed.kubectl(['-n', 'drydock', 'delete', ...what, '--wait=false']);

  it('have a process each, which knows its pod, its namespace and its node, and are Ready when it is', async () => {
    const controller = await pods.createPod('c1', 'n1');
    const [started] = controller.log('controller started');
    expect(started?.fields).to.include({ namespace: controllerAccount.namespace });
    expect(started?.fields.identity).to.match(/^c1_/);
    expect((await controller.readyz()).status).to.equal(200);
  });

  it('lose it when their node reboots, and get another in the new boot', async () => {
    const before = pods.running.get('c1')?.process.pid;
    const rebooted = machine.reboot();
    await until('the end of the process', () => names().length === 0);
    await rebooted;
    const after = await pods.untilReady('c1');
    expect(after.process.pid).to.not.equal(before);
  });

  it('have it asked to end when they are deleted', async () => {
    const controller = pods.running.get('c1');
    await remove('pod', 'c1');
    await until('the end of the process', () => names().length === 0);
    await until('the orderly end', () => controller?.log('controller stopped').length === 1);
  });

  it('of a Deployment are replaced where they can be scheduled; one that is pending has no process', async () => {
    await pods.deploy(1);
    await until('the process', () => names().length === 1);
    const [first = ''] = names();
    await pods.untilReady(first);
    await bed.kubectl(['cordon', 'n1']);
    await remove('pod', first);
    await until('the end of the process', () => names().length === 0);
    await waitFor('the replacement', async () => (await phases()).includes('Pending'), { timeoutMs: 30_000 });
    expect(names()).to.deep.equal([]);

    await bed.kubectl(['uncordon', 'n1']);
    await until('another process', () => names().length === 1 && names()[0] !== first);
    await pods.untilReady(names()[0] ?? '');
    await remove('deployment', 'drydock-controller');
    await until('the end of all', () => names().length === 0);
  });

  async function phases(): Promise<(string | undefined)[]> {
    const { items } = await bed.core.listNamespacedPod({ namespace: controllerAccount.namespace });
    return items.map(({ status }) => status?.phase);
  }
});
