import { expect } from 'chai';
import { harbourForEach } from './support/harbour.ts';

describe('people', () => {
  const harbour = harbourForEach();

  it('keep their cordon: the node is drained, rebooted, and left cordoned', async () => {
    const h = harbour();
    await h.addSpareNode();
    const machine = await h.addMachine('n1');
    await h.deploy({ name: 'web', replicas: 4 });
    await h.kubectl('cordon', 'n1');
    await h.startController();
    await h.applyPolicy();
    machine.requireReboot();

    await h.untilRebooted(machine, 1);
    expect(h.isCordoned('n1'), 'cordoned').to.equal(true);
    expect(await h.podsOn('n1')).to.deep.equal([]);
    const cordons = h.timeline
      .ordered('Node', 'n1')
      .map(({ object }) => (object as { spec?: { unschedulable?: boolean } }).spec?.unschedulable === true);
    expect(cordons.lastIndexOf(false), 'the last time that the node was schedulable').to.be.lessThan(
      cordons.indexOf(true),
    );
  });

  const places: readonly [string, string, string][] = [
    ['the node', 'node', 'n1'],
    ['its NodeReboot', 'nodereboot', 'n1'],
    ['the policy', 'rebootpolicy', 'workers'],
    ["the operator's namespace", 'namespace', 'drydock'],
  ];

  for (const [where, kind, name] of places) {
    it(`stop a node before it starts by pausing ${where}, and let it go on by taking the pause off`, async () => {
      const h = harbour();
      const { machine } = await h.begin({ policy: { schedule: NEVER } });
      await h.untilPhase('n1', 'Idle');
      await h.annotate(kind, name, 'drydock.dev/pause=incident 42');
      machine.requireReboot();
      await h.untilVerdict('n1', 'Paused');
      await h.applyPolicy();
      await h.untilBlockers('n1', ['Paused']);
      expect(h.nodeReboot('n1')?.status?.verdict?.message).to.contain('incident 42');
      expect(h.slots()).to.deep.equal([]);

      await h.annotate(kind, name, 'drydock.dev/pause-');
      await h.untilBack(machine, 1);
    });
  }

  it('pause a drain that is under way: the node is put back at once, and goes on after the pause', async () => {
    const h = harbour();
    const { machine } = await h.beginDrain();

    await h.annotate('rebootpolicy', 'workers', 'drydock.dev/pause=not now');
    await h.untilVerdict('n1', 'Paused');
    expect(h.isCordoned('n1'), 'cordoned while paused').to.equal(false);
    expect(h.slots(), 'slots while paused').to.deep.equal([]);
    expect(h.nodeReboot('n1')?.status?.history?.[0]).to.include({ outcome: 'Interrupted', code: 'Paused' });

    await h.letDrain();
    await h.annotate('rebootpolicy', 'workers', 'drydock.dev/pause-');
    await h.untilBack(machine, 1);
    expect(new Set(h.nodeReboot('n1')?.status?.history?.map(({ attemptID }) => attemptID)).size).to.equal(2);
  });

  it('uncordon a node that drains: it is theirs again, and is tried again only after a while', async () => {
    const h = harbour();
    const { machine } = await h.beginDrain();

    await h.kubectl('uncordon', 'n1');
    await h.untilVerdict('n1', 'BackingOff');
    expect(h.isCordoned('n1')).to.equal(false);
    expect(h.nodeReboot('n1')?.status?.history?.[0]).to.include({ outcome: 'Interrupted', code: 'CordonLifted' });
    expect(machine.rebooter.orders).to.have.length(0);
  });

  it('take part of the budget with the nodes that they cordon', async () => {
    const h = harbour();
    await h.addSpareNode();
    const machine = await h.addMachine('n1');
    await h.addMachine('n2');
    await h.kubectl('cordon', 'n2');
    await h.startController();
    await h.applyPolicy();
    machine.requireReboot();
    await h.untilVerdict('n1', 'BudgetUsed');
    const { message } = await h.untilPolicy('Blocked', 'True', 'BudgetUsed');
    expect(message).to.contain('They are n2.');
    expect(h.slots()).to.deep.equal([]);

    await h.kubectl('uncordon', 'n2');
    await h.untilBack(machine, 1);
  });

  it('are told everything by a policy that only reports, and nothing is touched', async () => {
    const h = harbour();
    await h.addSpareNode();
    const machine = await h.addMachine('n1');
    await h.deploy({ name: 'web', replicas: 2 });
    await h.startController();
    await h.applyPolicy({ mode: 'Report' });
    machine.requireReboot(['linux-image-6.8.0']);

    await h.untilVerdict('n1', 'ReportOnly');
    await h.untilPolicy('Ready', 'True', 'ReportOnly');
    expect(h.isCordoned('n1')).to.equal(false);
    expect(h.slots()).to.deep.equal([]);
    expect(machine.rebooter.orders).to.have.length(0);
    const wide = await h.kubectl('get', 'nrb', 'n1', '-o', 'wide');
    expect(wide).to.contain('Pending').and.contain('ReportOnly');
  });
});

/** A window that is half a year away, so that nothing starts. */
const NEVER = { windows: [{ cron: `0 3 1 ${((new Date().getUTCMonth() + 6) % 12) + 1} *`, duration: '1h' }] };
