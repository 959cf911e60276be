import { expect } from 'chai';
import { harbourForEach } from './support/harbour.ts';

describe('crashes and races', () => {
  const harbour = harbourForEach();

  it('a controller that is killed during a drain and started again goes on with the same attempt', async () => {
    const h = harbour();
    const { machine, controller } = await h.beginDrain();
    const attemptID = h.nodeReboot('n1')?.spec.attempt?.id;

    await controller.kill();
    await h.letDrain();
    expect(h.isCordoned('n1')).to.equal(true);
    await controller.start();
    await h.untilBack(machine, 1);

    expect(h.nodeReboot('n1')?.status?.history).to.have.length(1);
    expect(h.nodeReboot('n1')?.status?.history?.[0]).to.include({ attemptID, outcome: 'Rebooted' });
    expect(h.epochs()).to.deep.equal([1, 2]);
  });

  it('a standby takes over when the leader is killed while the node reboots', async () => {
    const h = harbour();
    const { machine, controller: leader } = await h.begin({ controllers: 2 });
    machine.staysDown = true;
    machine.requireReboot();
    await h.untilOrdered(machine);

    await leader.kill();
    await machine.powerOn();
    await h.untilBack(machine, 1);
    expect(machine.rebooter.orders).to.have.length(1);
    expect(h.epochs()).to.deep.equal([1, 2]);
  });

  it('a controller that is asked to end hands leadership over at once', async () => {
    const h = harbour();
    const { machine, controller: leader, standby } = await h.begin({ controllers: 2 });
    const asked = Date.now();
    await leader.stop();
    await standby?.waitForLog('"leading"', { timeoutMs: 30_000 });
    expect(Date.now() - asked).to.be.lessThan(10_000);
    await h.reboot(machine);
  });

  it('a request that is withdrawn before the agent has accepted reboots nothing, however late the agent wakes up', async () => {
    const h = harbour();
    const { machine } = await h.beginDrain();
    machine.freezeAgent();
    await h.letDrain();
    await h.untilVerdict('n1', 'Requested');

    await h.annotate('node', 'n1', 'drydock.dev/pause=on second thoughts');
    await h.untilVerdict('n1', 'Paused');
    machine.thawAgent();
    await h.annotate('node', 'n1', 'drydock.dev/hold=look at this first');
    await h.annotate('node', 'n1', 'drydock.dev/pause-');
    await h.untilVerdict('n1', 'Held');

    expect(machine.rebooter.orders).to.have.length(0);
    expect(machine.bootIds).to.have.length(1);
    expect(h.isCordoned('n1')).to.equal(false);
    expect(h.nodeReboot('n1')?.status?.agent?.accepted).to.equal(undefined);
  });

  it('a request that the agent has accepted is seen through, although a pause came right after', async () => {
    const h = harbour();
    const { machine, controller } = await h.beginReboot({ onOrder: 'hang' });
    await h.annotate('rebootpolicy', 'workers', 'drydock.dev/pause=too late');
    await controller.waitForLog('lock written', { timeoutMs: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(h.isCordoned('n1'), 'cordoned while accepted').to.equal(true);
    expect(h.slots()).to.deep.equal(['n1']);

    machine.beginReboot();
    await h.untilBack(machine, 1);
    expect(h.nodeReboot('n1')?.status?.history?.[0]).to.include({ outcome: 'Rebooted' });
  });

  it('stale and repeated requests reboot nothing', async () => {
    const h = harbour();
    const { machine, controller } = await h.begin();
    machine.requireReboot();
    const request = await h.until(
      'the request',
      ({ kind, object }) => kind === 'NodeReboot' && JSON.stringify(object).includes('"fromBootID"'),
    );
    await h.untilBack(machine, 1);
    await controller.stop();

    h.forgeFromNow();
    const { attempt, reboot } = (request.object as object as { spec: { attempt: object; reboot: object } }).spec;
    const forged: readonly [string, object][] = [
      ['the same request again', reboot],
      ['a new attempt, made to the boot before', { ...reboot, attemptID: 'forged-1' }],
      [
        'this boot, but through another NodeReboot',
        { ...reboot, attemptID: 'forged-2', fromBootID: machine.bootId, nodeRebootUID: 'another' },
      ],
    ];
    for (const [what, spec] of forged) {
      await h.kubectl('patch', 'nrb', 'n1', '--type=merge', '-p', JSON.stringify({ spec: { attempt, reboot: spec } }));
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(machine.rebooter.orders, what).to.have.length(1);
    }
    expect(h.nodeReboot('n1')?.status?.agent?.accepted).to.equal((attempt as { id: string }).id);
    await controller.start();
    await h.untilBack(machine, 1);
    expect(machine.bootIds).to.have.length(2);
  });

  it('a node that is deleted while it drains frees its slot, and the next node goes on', async () => {
    const h = harbour();
    const { machine } = await h.beginDrain();
    const next = await h.addMachine('n2');
    next.requireReboot();

    await machine.remove();
    await h.untilBack(next, 1);
  });

  it('an agent that could not reboot its node keeps it from being drained in vain', async () => {
    const h = harbour();
    await h.addSpareNode();
    const machine = await h.addMachine('n1');
    machine.rebooter.onProbe = { code: 'unable', reason: 'an inhibitor blocks' };
    await machine.killAgent();
    await machine.startAgent();
    await h.startController();
    await h.applyPolicy();
    machine.requireReboot();
    await h.untilVerdict('n1', 'AgentUnable');
    expect(h.nodeReboot('n1')?.status?.verdict?.message).to.contain('an inhibitor blocks');
    expect(
      h.timeline.ordered('Node', 'n1').some(({ object }) => JSON.stringify(object).includes('"unschedulable":true')),
    ).to.equal(false);
  });

  it('without a controller, people undo what is under way as the manual says, and the next controller tidies up', async () => {
    const h = harbour();
    const { machine, controller } = await h.beginDrain();
    await controller.kill();

    expect(await h.kubectl('get', 'nodes', '-l', 'drydock.dev/cordoned', '-o', 'name')).to.equal('node/n1\n');
    await h.kubectl('delete', 'nodereboots', '--all');
    await h.kubectl('uncordon', '-l', 'drydock.dev/cordoned');
    expect(machine.rebooter.orders).to.have.length(0);

    await controller.start();
    await h.until(
      'the marks to go',
      ({ kind, name, object }) =>
        kind === 'Node' && name === 'n1' && !JSON.stringify(object.metadata).includes('"drydock.dev/cordon"'),
      h.timeline.mark(),
    );
    await h.letDrain();
    await h.untilBack(machine, 1);
  });

  it('a NodeReboot that is deleted after its reboot was accepted is made again, and the reboot is seen through', async () => {
    const h = harbour();
    const { machine } = await h.beginReboot({ onOrder: 'ignore' });
    const { uid } = h.nodeReboot('n1')?.metadata ?? { uid: '' };
    const deleted = h.timeline.mark();
    await h.kubectl('delete', 'nodereboots', '--all');
    await h.until(
      'another NodeReboot',
      ({ kind, type, object }) => kind === 'NodeReboot' && type === 'ADDED' && object.metadata.uid !== uid,
      deleted,
    );
    await h.untilPhase('n1', 'Rebooting', deleted);
    expect(h.isCordoned('n1')).to.equal(true);
    expect(h.slots()).to.deep.equal(['n1']);

    machine.beginReboot();
    await h.untilBack(machine, 1);
  });
});
