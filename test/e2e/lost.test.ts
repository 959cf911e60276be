import { expect } from 'chai';
import type { KubeObject } from '../../src/api/objects.ts';
import type { Machine } from '../testbed/machine/machine.ts';
import { waitFor } from '../testbed/process/wait.ts';
import { type Harbour, SOON } from './support/harbour.ts';
import { inEveryPhase } from './support/phases.ts';
import { holdDrain } from './support/scene.ts';
import { sharedHarbour } from './support/shared.ts';

describe('what is lost', () => {
  const shared = sharedHarbour({ maxDisrupted: 4 });

  describe('of nodes', () => {
    it('in any phase frees the slot, and a node that is made again under the name owes nothing', async () => {
      const { h } = shared();
      const { letGo, ...phases } = await inEveryPhase(shared());
      const machines = Object.values(phases);
      await h.letDrain();
      for (const machine of machines) await machine.remove();
      await waitFor('the slots to be freed', () => h.slots().length === 0, { timeoutMs: SOON });
      letGo();
      for (const { name } of machines) await h.bed.createNode(name, { labels: { role: 'worker' } });

      for (const { name } of machines) {
        const uid = h.timeline.latest('Node', name)?.metadata.uid;
        await waitFor(`${name} anew`, () => h.nodeReboot(name)?.spec.nodeUID === uid, { timeoutMs: SOON });
        await h.untilBlockers(name, ['AgentAbsent']);
        expect(h.nodeReboot(name)?.spec, name).to.deep.equal({ nodeUID: uid });
        expect(h.isCordoned(name), `${name} cordoned`).to.equal(false);
      }
    });

    it('that never come back are Failed, are told by an Event, and are done with when they are deleted', async () => {
      const { h, machine } = await scene({ reboot: { timeout: '2s' } });
      machine.staysDown = true;
      machine.requireReboot();
      await h.untilPhase(machine.name, 'Failed');
      expect(h.slots()).to.deep.equal([machine.name]);
      expect(await h.kubectl('describe', 'node', machine.name)).to.match(/Warning\s+RebootTimedOut/);

      await machine.remove();
      await waitFor('the slot to be freed', () => h.slots().length === 0, { timeoutMs: SOON });
    });

    it('that reboot by themselves while they drain are put back, with nothing left to do', async () => {
      const { h, machine } = await scene();
      await holdDrain(h, machine);
      machine.requireReboot();
      await h.untilVerdict(machine.name, 'DrainBlocked');
      await machine.reboot();
      await h.untilBack(machine, 1);
      expect(h.nodeReboot(machine.name)?.status?.history?.[0]).to.include({ outcome: 'Interrupted' });
      await h.untilBlockers(machine.name, ['NotRequired']);
      expect(machine.rebooter.orders).to.have.length(0);
    });

    it('to a sentinel that survives its reboot are rebooted once, until it has other reasons and a person says resume', async () => {
      const { h, machine } = await scene();
      machine.requireReboot(['linux-image-1']);
      await h.untilRebooted(machine, 1);
      await machine.settled();
      machine.requireReboot(['linux-image-1']);
      await h.untilVerdict(machine.name, 'SentinelPersists');
      expect(await h.kubectl('describe', 'node', machine.name)).to.match(/Warning\s+SentinelPersists/);
      await h.untilPolicy('Halted', 'True', 'TooManyFailed');
      expect(machine.rebooter.orders).to.have.length(1);

      machine.requireReboot(['linux-image-2']);
      await h.annotate('rebootpolicy', 'workers', 'drydock.dev/resume=another kernel');
      await h.untilBack(machine, 2);
    });
  });

  describe('of NodeReboots', () => {
    it('is made again: who was not asked is put back, who was asked keeps cordon and slot until a reboot or a release', async () => {
      const { h } = shared();
      const { letGo, ...phases } = await inEveryPhase(shared());
      const { requested, accepted } = phases;
      const early = [phases.preparing, phases.draining];
      const uids = new Map(Object.values(phases).map(({ name }) => [name, h.nodeReboot(name)?.metadata.uid]));
      const attemptID = h.nodeReboot(requested.name)?.spec.attempt?.id;
      for (const machine of early) machine.clearSentinel();
      await h.kubectl('delete', 'nodereboots', '--all');
      letGo();

      for (const [name, uid] of uids) {
        const anew = () => ![undefined, uid].includes(h.nodeReboot(name)?.metadata.uid);
        await waitFor(`another NodeReboot of ${name}`, anew, { timeoutMs: SOON });
      }
      const inFlight = [requested.name, accepted.name].sort();
      await waitFor('the others to be put back', () => h.slots().sort().join() === inFlight.join(), {
        timeoutMs: SOON,
      });
      for (const { name } of early) expect(h.isCordoned(name), `${name} cordoned`).to.equal(false);
      for (const name of inFlight) expect(h.isCordoned(name), `${name} cordoned`).to.equal(true);

      accepted.beginReboot();
      await h.untilBack(accepted, 1);
      await h.annotate('nodereboot', requested.name, `drydock.dev/release=${attemptID}`);
      await h.untilVerdict(requested.name, 'Released');
      expect(h.isCordoned(requested.name)).to.equal(true);
      expect(requested.rebooter.orders).to.have.length(0);
    });

    it('of what they ask ends an attempt that was not accepted, and changes nothing for one that was', async () => {
      const { h } = shared();
      const { preparing, draining, requested, accepted, letGo } = await inEveryPhase(shared());
      const attemptID = h.nodeReboot(draining.name)?.spec.attempt?.id;
      draining.clearSentinel();
      const nothing = JSON.stringify({ spec: { attempt: null, prepare: null, reboot: null } });
      const noRequest = JSON.stringify({ spec: { reboot: null } });
      await h.kubectl('patch', 'nrb', draining.name, '--type=merge', '-p', nothing);
      await h.kubectl('patch', 'nrb', accepted.name, '--type=merge', '-p', noRequest);
      await waitFor('the end of the drain', () => !h.slots().includes(draining.name), { timeoutMs: SOON });
      expect(shared().said('restoreNode', { attemptID, uncordon: true })).to.have.length(1);

      accepted.beginReboot();
      letGo();
      for (const machine of [preparing, requested, accepted]) await h.untilBack(machine, 1);
    });
  });

  describe('of the lock', () => {
    const losses: readonly { what: string; lose: (h: Harbour) => Promise<unknown> }[] = [
      { what: 'is deleted', lose: (h) => h.kubectl('-n', 'drydock', 'delete', 'lease', 'drydock-lock') },
      { what: 'becomes unreadable', lose: (h) => editLock(h, 'a typing error') },
    ];

    for (const { what, lose } of losses) {
      it(`is found again on Nodes and NodeReboots when it ${what}: every attempt goes on`, async () => {
        const { h } = shared();
        const { letGo, ...phases } = await inEveryPhase(shared());
        const machines = Object.values(phases);
        const attempts = machines.map(({ name }) => h.nodeReboot(name)?.spec.attempt?.id);
        const slots = h.slots().sort();
        h.forgeFromNow();
        await lose(h);
        await waitFor('the slots', () => h.slots().sort().join() === slots.join(), {
          timeoutMs: SOON,
        });
        letGo();
        await h.letDrain();
        phases.accepted.beginReboot();
        for (const machine of machines) await h.untilBack(machine, 1);
        const ended = machines.map(({ name }) => h.nodeReboot(name)?.status?.history?.[0]?.attemptID);
        expect(ended).to.deep.equal(attempts);
        expect(shared().said('claimed the cluster lock', {}).length).to.be.greaterThan(1);
      });
    }

    it('when it is emptied by hand costs nothing but attempts that were not accepted', async () => {
      const { h } = shared();
      const { draining, accepted, letGo } = await inEveryPhase(shared());
      const [withdrawn, kept] = [draining, accepted].map(({ name }) => h.nodeReboot(name)?.spec.attempt?.id);
      h.forgeFromNow();
      await editLock(h, '[]');
      letGo();
      await h.letDrain();
      await h.untilBack(draining, 1);
      accepted.beginReboot();
      await h.untilBack(accepted, 1);
      expect(h.nodeReboot(draining.name)?.status?.history?.[0]?.attemptID).to.not.equal(withdrawn);
      expect(h.nodeReboot(accepted.name)?.status?.history?.[0]?.attemptID).to.equal(kept);
      expect(accepted.rebooter.orders).to.have.length(1);
    });
  });

  describe('altogether', () => {
    it('and restored from a backup of policies, NodeReboots and Leases reboots nothing and loses no cordon', async () => {
      const { h, controller } = shared();
      const { letGo, ...phases } = await inEveryPhase(shared());
      const { preparing, draining, requested, accepted } = phases;
      const saved: KubeObject[] = [];
      for (const what of [['rbp'], ['nrb'], ['leases', '-n', 'drydock']]) {
        const list = JSON.parse(await h.kubectl('get', ...what, '-o', 'json')) as { items: KubeObject[] };
        saved.push(...list.items);
      }
      h.forgeFromNow();
      await controller.kill();
      await h.kubectl('patch', 'rbp', 'workers', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
      await h.kubectl('delete', 'rbp,nrb', '--all');
      await h.kubectl('-n', 'drydock', 'delete', 'leases', '--all');
      const items = saved.map(({ metadata, ...rest }) => ({
        ...rest,
        metadata: { ...metadata, uid: undefined, resourceVersion: undefined },
      }));
      await h.bed.kubectl(['create', '-f', '-'], { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
      for (const machine of [preparing, draining]) machine.clearSentinel();
      await controller.start();
      letGo();

      const mayReboot = [requested.name, accepted.name].sort();
      const others = () => h.slots().sort().join() === mayReboot.join() && !h.isCordoned(draining.name);
      await waitFor('the others to be put back', others, { timeoutMs: SOON });
      for (const name of mayReboot) expect(h.isCordoned(name), `${name} cordoned`).to.equal(true);
      const orders = Object.values(phases).flatMap(({ name, rebooter }) => rebooter.orders.map(() => name));
      expect(orders, 'orders, all from before').to.deep.equal([accepted.name]);
      for (const machine of [requested, accepted]) {
        machine.beginReboot();
        await h.untilBack(machine, 1);
      }
    });
  });

  /** One machine under a policy. */
  async function scene(policy: Parameters<Harbour['applyPolicy']>[0] = {}): Promise<{ h: Harbour; machine: Machine }> {
    const { h } = shared();
    await h.applyPolicy(policy);
    return { h, machine: await shared().addMachine() };
  }
});

async function editLock(h: Harbour, slots: string): Promise<void> {
  const annotations = { 'drydock.dev/slots': slots };
  await h.kubectl(
    '-n',
    'drydock',
    'patch',
    'lease',
    'drydock-lock',
    '--type=merge',
    '-p',
    JSON.stringify({ metadata: { annotations } }),
  );
}
