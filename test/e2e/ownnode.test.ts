import { expect } from 'chai';
import { CONTROLLER_LABELS, ControllerPods } from '../testbed/controller/pods.ts';
import { waitFor } from '../testbed/process/wait.ts';
import { type Harbour, harbourForEach, SOON } from './support/harbour.ts';

/** No two of the controller's pods on the same node, as its Deployment has it. */
const APART = {
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: CONTROLLER_LABELS }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
  },
};

describe("the controller's own node", () => {
  const harbour = harbourForEach();

  it('goes last, after leadership has gone to the other replica, and both nodes are rebooted exactly once', async () => {
    const h = harbour();
    await h.addSpareNode();
    const machines = [await h.addMachine('n1'), await h.addMachine('n2')];
    const pods = await ControllerPods.start(h.bed, { args: ['--log-level', 'debug'] });
    await pods.deploy(2, { ...APART, nodeSelector: { role: 'worker' } });
    const [leader, own] = await untilLed(h, pods);
    await h.applyPolicy();
    const [other] = machines.flatMap(({ name }) => (name === own ? [] : name));
    for (const { name } of machines) await h.untilReported(name);
    for (const machine of machines) machine.requireReboot();

    await h.untilVerdict(own, 'ControllerNodeLast');
    for (const machine of machines) await h.untilBack(machine, 1);
    expect(h.rebootedInOrder()).to.deep.equal([other, own]);
    for (const { name, rebooter } of machines) {
      expect(rebooter.orders, `orders to ${name}`).to.have.length(1);
      expect(h.nodeReboot(name)?.status?.history, `history of ${name}`).to.have.length(1);
    }
    expect(leader.log('"leadership is handed over')).to.have.length(1);
    const ownAttempt = h.nodeReboot(own)?.status?.history?.[0]?.attemptID;
    expect(
      leader.log(({ fields }) => fields.attemptID === ownAttempt),
      'what the first leader did to its own node',
    ).to.deep.equal([]);
  });

  it('waits while the standby is pending, and says so; the other node goes', async () => {
    const h = harbour();
    const [own, other] = [await h.addMachine('n1'), await h.addMachine('n2')];
    const pods = await ControllerPods.start(h.bed, { args: ['--log-level', 'debug'] });
    await pods.deploy(2, { ...APART, nodeSelector: { 'kubernetes.io/hostname': own.name } });
    const [leader] = await untilLed(h, pods, 1);
    await h.applyPolicy();
    for (const { name } of [own, other]) await h.untilReported(name);
    for (const machine of [own, other]) machine.requireReboot();

    await h.untilBack(other, 1);
    await h.untilVerdict('n1', 'ControllerNode');
    expect(h.nodeReboot('n1')?.status?.verdict?.message).to.contain('Run two replicas on different nodes');
    expect(own.rebooter.orders).to.have.length(0);
    expect(leader.log('"leadership is handed over')).to.deep.equal([]);
  });

  it('of a cluster of one node waits, unless allowLastNode: then it is rebooted with the controller on it', async () => {
    const h = harbour();
    const machine = await h.addMachine('n1');
    const pods = await ControllerPods.start(h.bed, { args: ['--log-level', 'debug'] });
    await pods.createPod('controller', 'n1');
    await h.deploy({ name: 'web', replicas: 2 });
    const web = await h.podsOn('n1');
    await h.applyPolicy();
    await h.untilReported('n1');
    machine.requireReboot();
    await h.untilVerdict('n1', 'LastSchedulableNode');
    expect(h.slots()).to.deep.equal([]);

    await h.applyPolicy({ disruption: { allowLastNode: true } });
    await h.untilBack(machine, 1);
    expect(machine.rebooter.orders).to.have.length(1);
    const gone = h.timeline.ordered('Pod').filter(({ type }) => type === 'DELETED');
    expect(gone.map(({ name }) => name).sort(), 'the pods that the drain moved').to.deep.equal(
      web.filter((name) => name !== 'controller').sort(),
    );
  });
});

/** Waits until so many replicas are Ready and one of them leads: that one, and its node. */
async function untilLed(h: Harbour, pods: ControllerPods, replicas = 2) {
  await waitFor(`${replicas} replicas`, () => pods.running.size === replicas, { timeoutMs: SOON });
  for (const name of pods.running.keys()) await pods.untilReady(name);
  const leads = async () => {
    for (const [name, process] of pods.running) {
      if ((await process.metric('drydock_leader')) === 1) return [name, process] as const;
    }
    return undefined;
  };
  const [name, process] = await waitFor('a leader', leads, { timeoutMs: SOON });
  const node = await h.kubectl('-n', 'drydock', 'get', 'pod', name, '-o', 'jsonpath={.spec.nodeName}');
  return [process, node] as const;
}
