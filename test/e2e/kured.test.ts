/**
 * What goes wrong with kured 1.23, each as a test of what Drydock does instead. These are covered elsewhere:
 *
 * | kured | the test of Drydock, in test/e2e |
 * | --- | --- |
 * | killed in a drain and restarted, it says "rebooted" | crash: a controller that is killed during a drain … |
 * | the node of the lock's holder deleted: locked for ever | lost: in any phase frees the slot … |
 * | a Watchdog that always fires blocks everything | gates: starts nothing while an alert is active … |
 * | windows over midnight count on the wrong day | test/core/schedule.test.ts, schedule.brute.test.ts |
 * | a reboot command that fails, again and again, is a success | wishes: resume: a policy halts at the second … |
 * | a reboot command that does nothing: cordoned without end | wishes: release: a machine that accepted … |
 * | a lock that expires: two nodes out of service at once | wishes: nothing: an attempt that failed heals … |
 * | a Prometheus that hangs: kured hangs, without a word | prometheus: that hangs: says so … |
 * | the lock is released before the node is uncordoned | every test: the invariant that no cordon is without a slot |
 * | pods of the same name on other nodes are evicted | drain: never evicts the pod of a StatefulSet for … |
 * | alerts and windows are not asked again after the lock | gates: asks again when the node is drained … |
 */

import { expect } from 'chai';
import type { Machine } from '../testbed/machine/machine.ts';
import { on } from '../testbed/proxy/request.ts';
import { harbourForEach } from './support/harbour.ts';
import { holdDrain } from './support/scene.ts';
import { sharedHarbour } from './support/shared.ts';

describe('where kured fails', () => {
  const shared = sharedHarbour({ maxDisrupted: 2 });

  it('a budget that is lowered while two nodes are out sees both through, and starts no third beside one of them', async () => {
    const { h } = shared();
    await h.applyPolicy({ disruption: { maxUnavailable: 2 } });
    const machines = (await shared().addMachines(3)) as [Machine, Machine, Machine];
    const [first, second, third] = machines;
    for (const { rebooter } of [first, second]) rebooter.onOrder = 'ignore';
    for (const machine of [first, second]) machine.requireReboot();
    for (const machine of [first, second]) await h.untilOrdered(machine);
    await h.applyPolicy({ disruption: { maxUnavailable: 1 } });
    third.requireReboot();

    first.beginReboot();
    await h.untilBack(first, 1);
    await h.untilVerdict(third.name, 'BudgetUsed');
    expect(h.slots()).to.deep.equal([second.name]);
    second.beginReboot();
    for (const machine of [second, third]) await h.untilBack(machine, 1);
  });

  it('a cordon of a person stays when the drain has timed out', async () => {
    const { h } = shared();
    await h.applyPolicy({ drain: { timeout: '2s' } });
    const machine = await shared().addMachine();
    await holdDrain(h, machine);
    await h.kubectl('cordon', machine.name);
    machine.requireReboot();
    await h.untilVerdict(machine.name, 'BackingOff');
    expect(h.nodeReboot(machine.name)?.status?.history?.[0]).to.include({ code: 'DrainTimedOut' });
    expect(h.isCordoned(machine.name)).to.equal(true);
    expect(h.slots()).to.deep.equal([]);
  });

  it('a drain that a PodDisruptionBudget blocks asks for an eviction now and then, not as fast as it can', async () => {
    const { h } = shared();
    await h.applyPolicy();
    const machine = await shared().addMachine();
    await holdDrain(h, machine);
    machine.requireReboot();
    await h.untilVerdict(machine.name, 'DrainBlocked');
    const since = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    expect(h.bed.audit.count({ resource: 'pods/eviction', since }), 'evictions in 12 s').to.be.within(1, 2);
    await h.letDrain();
    await h.untilBack(machine, 1);
  });
});

describe('where kured ends its process', () => {
  const harbour = harbourForEach();

  it('an uncordon that the API server refuses is tried again, and the slot is kept until it is done', async () => {
    const h = harbour();
    const proxy = await h.bed.proxy();
    const { machine, controller } = await h.begin({ controller: { proxy } });
    machine.rebooter.onOrder = 'ignore';
    machine.requireReboot();
    await h.untilOrdered(machine);
    proxy.refuse(on('PATCH', '/nodes/n1'), { status: 500 }, 3);
    machine.beginReboot();
    await h.untilBack(machine, 1);
    expect(controller.log('restoreNode was not carried out')).to.have.length(3);
    expect(controller.running).to.equal(true);
  });
});
