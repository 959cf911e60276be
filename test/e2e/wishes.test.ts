import { expect } from 'chai';
import type { NodeRebootSpec } from '../../src/api/generated/nodereboot.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import type { Harbour } from './support/harbour.ts';
import { holdDrain } from './support/scene.ts';
import { sharedHarbour } from './support/shared.ts';

describe('what people wish for', () => {
  const shared = sharedHarbour({ maxDisrupted: 2 });

  it('approve: a reboot waits until a person approves it, and the approval outlives a pause but not the reboot', async () => {
    const { h, said, addMachine } = open();
    await h.applyPolicy({ approval: 'Manual' });
    const machine = await addMachine();
    const { name } = machine;
    await holdDrain(h, machine);
    machine.requireReboot(['linux-image-1']);
    await h.untilVerdict(name, 'AwaitingApproval');
    expect(h.nodeReboot(name)?.status?.verdict?.message).to.contain('annotate the NodeReboot with drydock.dev/approve');
    expect(h.slots()).to.deep.equal([]);

    await h.annotate('nodereboot', name, 'drydock.dev/approve=CHG-1234');
    await h.untilVerdict(name, 'DrainBlocked');
    expect(consumptions(h, name, 'drydock.dev/approve')).to.deep.equal([{ granted: 'Approve', byTheSameWrite: true }]);
    expect(said('grant', { node: name })).to.have.length(1);
    expect(said('grant', { node: name })[0]).to.include({ grant: 'Approve', reason: 'CHG-1234' });

    await h.annotate('rebootpolicy', 'workers', 'drydock.dev/pause=lunch');
    await h.untilVerdict(name, 'Paused');
    await h.letDrain();
    await h.annotate('rebootpolicy', 'workers', 'drydock.dev/pause-');
    await h.untilBack(machine, 1);
    expect(said('beginAttempt', { node: name, grant: 'Approve' }), 'attempts by this approval').to.have.length(2);

    machine.requireReboot(['linux-image-2']);
    await h.untilVerdict(name, 'AwaitingApproval', h.timeline.mark());
    expect(h.nodeReboot(name)?.spec.grant).to.equal(undefined);
  });

  it('reboot now: without a sentinel and outside the windows, but neither in a freeze nor under a closed gate', async () => {
    const { h, said, addMachine } = open();
    const windows = [{ cron: `0 3 1 ${((new Date().getUTCMonth() + 6) % 12) + 1} *`, duration: '1h' }];
    const freezes = [{ from: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z', reason: 'the long sale' }];
    await h.applyPolicy({ approval: 'Manual', settle: '1h', schedule: { windows, freezes } });
    const machine = await addMachine();
    const { name } = machine;
    await h.annotate('nodereboot', name, 'drydock.dev/reboot-now=looks stuck');
    await h.untilBlockers(name, ['Frozen']);

    await h.applyPolicy({ schedule: { windows }, gates: { prometheus: { url: 'http://127.0.0.1:9' } } });
    await h.untilBlockers(name, ['GateUnanswered']);
    expect(h.slots()).to.deep.equal([]);

    await h.applyPolicy({ schedule: { windows } });
    await h.untilBack(machine, 1);
    expect(consumptions(h, name, 'drydock.dev/reboot-now')).to.deep.equal([
      { granted: 'RebootNow', byTheSameWrite: true },
    ]);
    const [last] = h.nodeReboot(name)?.status?.history ?? [];
    expect(last).to.include({ outcome: 'Rebooted', trigger: 'Person' });
    const begun = said('beginAttempt', { attemptID: last?.attemptID });
    expect(begun.map(({ trigger, grant }) => [trigger, grant])).to.deep.equal([['Person', 'RebootNow']]);
    await h.until(
      'the end of the grant',
      (entry) => entry.name === name && entry.kind === 'NodeReboot' && specOf(entry.object).grant === undefined,
      h.timeline.entries.findIndex((entry) => entry.name === name && specOf(entry.object).grant !== undefined),
    );
  });

  it('hold: keeps a node from starting, also one that is approved or to be rebooted now', async () => {
    const { h, addMachine } = open();
    await h.applyPolicy({ approval: 'Manual' });
    const machine = await addMachine();
    const { name } = machine;
    await h.annotate('nodereboot', name, 'drydock.dev/hold=ask Kim first');
    machine.requireReboot();
    await h.untilBlockers(name, ['Held', 'AwaitingApproval']);
    expect(h.nodeReboot(name)?.status?.verdict?.message).to.contain('ask Kim first');
    await h.annotate('nodereboot', name, 'drydock.dev/approve=');
    await h.untilBlockers(name, ['Held']);
    await h.annotate('nodereboot', name, 'drydock.dev/reboot-now=');
    await h.untilBlockers(name, ['Held']);
    expect(h.slots()).to.deep.equal([]);

    await h.annotate('nodereboot', name, 'drydock.dev/hold-');
    await h.untilBack(machine, 1);
  });

  it('release: a machine that accepted and does not reboot loses its slot, keeps its cordon, and may reboot late', async () => {
    const { h, said, addMachines } = open();
    await h.applyPolicy({ reboot: { timeout: '2s' }, disruption: { maxUnavailable: 2 } });
    const [machine, next] = await addMachines(2);
    if (machine === undefined || next === undefined) throw new Error('two machines were asked for');
    const { name } = machine;
    machine.rebooter.onOrder = 'ignore';
    machine.requireReboot();
    await h.untilPhase(name, 'Failed');
    const { id: attemptID = '', failure } = h.nodeReboot(name)?.spec.attempt ?? {};
    expect(failure?.code).to.equal('RebootTimedOut');
    expect(h.nodeReboot(name)?.status?.verdict?.message).to.contain('drydock.dev/release');
    expect(said('failAttempt', { attemptID })).to.have.length(1);
    const { message } = await h.untilPolicy('Halted', 'True', 'TooManyFailed');
    expect(message).to.contain(name).and.contain('drydock.dev/resume');
    next.requireReboot();
    await h.untilVerdict(next.name, 'Halted');

    await h.annotate('nodereboot', name, 'drydock.dev/release=another');
    await h.untilGone(name, 'drydock.dev/release');
    expect(h.slots(), 'after the release of another attempt').to.deep.equal([name]);

    await h.annotate('nodereboot', name, `drydock.dev/release=${attemptID}`);
    await h.untilVerdict(name, 'Released');
    expect(h.slots()).to.deep.equal([]);
    expect(h.isCordoned(name)).to.equal(true);
    expect(said('endAttempt', { attemptID, code: 'Released' })).to.have.length(1);
    expect(said('releaseNode', { attemptID })).to.have.length(1);

    await machine.reboot();
    await h.annotate('rebootpolicy', 'workers', 'drydock.dev/resume=looked at it');
    await h.untilBack(next, 1);
    expect(h.isCordoned(name), 'still cordoned after the late reboot').to.equal(true);
    expect(machine.bootIds).to.have.length(2);
    expect(h.nodeReboot(name)?.status?.history).to.have.length(1);
    expect(await events(h)).to.include.members([
      `RebootTimedOut ${name}`,
      'PolicyHalted workers',
      'PolicyResumed workers',
    ]);
  });

  it('nothing: an attempt that failed heals by itself when its reboot comes late, and the policy stays halted until resume', async () => {
    const { h, addMachines } = open();
    await h.applyPolicy({ reboot: { timeout: '2s' } });
    const [machine, next] = await addMachines(2);
    if (machine === undefined || next === undefined) throw new Error('two machines were asked for');
    machine.rebooter.onOrder = 'ignore';
    machine.requireReboot();
    await h.untilPhase(machine.name, 'Failed');
    await h.untilPolicy('Halted', 'True', 'TooManyFailed');
    next.requireReboot();

    machine.beginReboot();
    await h.untilBack(machine, 1);
    expect(h.nodeReboot(machine.name)?.status?.history?.[0]).to.include({ outcome: 'Rebooted' });
    await h.untilVerdict(next.name, 'Halted');
    expect(h.slots()).to.deep.equal([]);

    await h.annotate('rebootpolicy', 'workers', 'drydock.dev/resume=it came back');
    await h.untilBack(next, 1);
    await h.untilPolicy('Halted', 'False', 'NotHalted');
  });

  it('resume: a policy halts at the second of two nodes that cannot be rebooted, and what a person knew of counts no more', async () => {
    const { h, said, addMachines } = open();
    const backoff = { first: '1s', max: '2s' };
    await h.applyPolicy({ failure: { maxFailed: 2, backoff } });
    const [first, second, third] = await addMachines(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error('three were asked for');
    for (const { rebooter } of [first, second]) rebooter.onOrder = { code: 'unable', reason: 'no privileges' };
    first.requireReboot();
    await untilFailures(h, first.name, 2);
    await h.untilPolicy('Halted', 'False', 'NotHalted');
    expect(h.isCordoned(first.name)).to.equal(false);
    const [again, before] = h.nodeReboot(first.name)?.status?.history ?? [];
    expect(again).to.include({ outcome: 'Failed', code: 'RebootFailed' });
    expect(again?.message).to.contain('no privileges');
    const waited = Date.parse(again?.startedAt ?? '') - Date.parse(before?.endedAt ?? '');
    expect(waited, 'the wait before the second attempt, in ms').to.be.within(1_000, 30_000);

    await h.annotate('nodereboot', first.name, 'drydock.dev/hold=enough');
    second.requireReboot();
    const { message } = await h.untilPolicy('Halted', 'True', 'TooManyFailed');
    expect(message).to.contain(`They are ${first.name}, ${second.name}.`);
    third.requireReboot();
    await h.untilVerdict(third.name, 'Halted');
    expect(h.slots()).to.deep.equal([]);

    await h.annotate('nodereboot', second.name, 'drydock.dev/hold=enough');
    await h.annotate('rebootpolicy', 'workers', 'drydock.dev/resume=only those two');
    await h.untilBack(third, 1);
    expect(said('resumePolicy', { policy: 'workers', reason: 'only those two' })).to.have.length(1);
  });

  /** What the tests need of the harbour, without its name before everything. */
  function open() {
    const all = shared();
    return {
      h: all.h,
      said: all.said.bind(all),
      addMachine: all.addMachine.bind(all),
      addMachines: all.addMachines.bind(all),
    };
  }
});

function specOf(object: object): Partial<NodeRebootSpec> {
  return (object as { spec?: NodeRebootSpec }).spec ?? {};
}

/** How an annotation of a NodeReboot was taken off, each time. */
function consumptions(h: Harbour, node: string, annotation: string) {
  const changes = h.timeline.ordered('NodeReboot', node) as unknown as { object: KubeObject; previous?: KubeObject }[];
  const has = (object: KubeObject | undefined) => object?.metadata.annotations?.[annotation] !== undefined;
  return changes
    .filter(({ object, previous }) => has(previous) && !has(object))
    .map(({ object, previous }) => {
      const { grant } = specOf(object);
      return { granted: grant?.kind, byTheSameWrite: specOf(previous ?? {}).grant?.at !== grant?.at };
    });
}

async function untilFailures(h: Harbour, node: string, count: number): Promise<void> {
  await h.until(
    `${count} failures of ${node}`,
    ({ kind, name, object }) =>
      kind === 'NodeReboot' &&
      name === node &&
      (object as { status?: { history?: unknown[] } }).status?.history?.length === count,
  );
}

/** All that was told, as "reason name". */
async function events(h: Harbour): Promise<string[]> {
  const { items } = JSON.parse(await h.kubectl('get', 'events.events.k8s.io', '-n', 'default', '-o', 'json')) as {
    items: { reason: string; regarding: { name: string } }[];
  };
  return items.map(({ reason, regarding }) => `${reason} ${regarding.name}`);
}
