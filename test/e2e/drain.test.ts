import { expect } from 'chai';
import type { Drain, RebootPolicySpec } from '../../src/api/generated/rebootpolicy.ts';
import type { Machine } from '../testbed/machine/machine.ts';
import { waitFor } from '../testbed/process/wait.ts';
import type { ApiProxy } from '../testbed/proxy/proxy.ts';
import { isWatch, on, type ProxiedRequest } from '../testbed/proxy/request.ts';
import { harbourForAll, SOON, statusOf } from './support/harbour.ts';
import { addBudget, addPod, evictionsOf, uidOf } from './support/pods.ts';

/** One node and one policy for each test; pods that are moved are not made again. */
describe('the drain of a node', () => {
  let proxy: ApiProxy;
  let berths = 0;

  const harbour = harbourForAll({
    setUp: async (h) => {
      proxy = await h.bed.proxy();
      await h.addSpareNode();
      await h.startController({ proxy });
    },
    tidy: async (h) => {
      proxy.clear();
      await h.calm();
      for (const machine of h.machines.splice(0)) await machine.remove();
      await h.kubectl('delete', 'pdb,pods,statefulsets,daemonsets', '--all', '--force', '--grace-period=0');
    },
  });

  /** A machine that the policy `workers` is about, and no other. */
  async function berth(drain: Drain = {}, more: Partial<RebootPolicySpec> = {}): Promise<Machine> {
    berths += 1;
    const machine = await harbour().addMachine(`n${berths}`);
    await askOf(machine, drain, more);
    return machine;
  }

  async function askOf({ name }: Machine, drain: Drain, more: Partial<RebootPolicySpec> = {}): Promise<void> {
    const nodeSelector = { matchLabels: { 'kubernetes.io/hostname': name } };
    await harbour().applyPolicy({ nodeSelector, drain, failure: { backoff: { first: '1s', max: '1s' } }, ...more });
  }

  /** Two pods of which only one may go, so that the drain begins and does not end. */
  async function addPair(node: string): Promise<void> {
    const h = harbour();
    for (const name of ['db-a', 'db-b']) await addPod(h, { name, node, labels: { app: 'db' } });
    await addBudget(h, { name: 'db', app: 'db', minAvailable: 1, allows: 1 });
  }

  /** How the first attempt on a node ended. */
  async function firstEnding(node: string): Promise<{ code: string; message: string }> {
    const ended = async () => harbour().nodeReboot(node)?.status?.history?.at(-1);
    return await waitFor(`the first attempt on ${node} to end`, ended, { timeoutMs: SOON });
  }

  function wasCordoned(node: string): boolean {
    const nodes = harbour().timeline.ordered('Node', node);
    return nodes.some(({ object }) => (object as { spec?: { unschedulable?: boolean } }).spec?.unschedulable === true);
  }

  describe('that cannot end in time', () => {
    it('is given up with Abort: the node is put back and the pod stays', async () => {
      const h = harbour();
      const machine = await berth({ timeout: '2s' });
      await addPair(machine.name);
      machine.requireReboot();

      const { code, message } = await firstEnding(machine.name);
      expect(code).to.equal('DrainTimedOut');
      expect(message).to.contain('PodDisruptionBudget db allows no disruption now');
      expect(wasCordoned(machine.name)).to.equal(true);
      expect(await h.podsOn(machine.name)).to.have.length(1);
      await h.calm();
      expect(h.isCordoned(machine.name)).to.equal(false);
      expect(machine.rebooter.orders).to.have.length(0);
    });

    it('is given up with Delete, too, while the controller has no right to delete pods', async () => {
      const h = harbour();
      const machine = await berth({ timeout: '2s', onTimeout: 'Delete' });
      const uid = await addPod(h, { name: 'db', node: machine.name });
      await addBudget(h, { name: 'db', app: 'db', minAvailable: 1, allows: 0 });
      machine.requireReboot();

      const { code, message } = await firstEnding(machine.name);
      expect(code).to.equal('DrainTimedOut');
      expect(message).to.contain('default/db').and.contain('forbidden');
      expect(await uidOf(h, 'db')).to.equal(uid);
      await h.calm();
      expect(h.isCordoned(machine.name)).to.equal(false);
    });

    it('deletes the pods that are left with Delete, past their budget, once it is given the right', async () => {
      const h = harbour();
      const overlay = 'manifests/overlays/drain-delete.yaml';
      await h.bed.apply(overlay);
      const machine = await berth({ timeout: '2s', onTimeout: 'Delete' });
      await addPod(h, { name: 'stubborn', node: machine.name });
      await addBudget(h, { name: 'stubborn', app: 'stubborn', minAvailable: 1, allows: 0 });
      machine.requireReboot();

      await h.untilBack(machine, 1);
      expect(await uidOf(h, 'stubborn')).to.equal('');
      expect(evictionsOf(h, 'stubborn').every(({ code }) => code === 429)).to.equal(true);
      await h.kubectl('delete', '-f', overlay);
    });

    it('goes on with the pods that are left with Reboot, such as one of two budgets, which is asked for once', async () => {
      const h = harbour();
      const machine = await berth({ timeout: '4s', onTimeout: 'Reboot' });
      const uid = await addPod(h, { name: 'twice', node: machine.name });
      for (const name of ['one', 'other']) await addBudget(h, { name, app: 'twice', minAvailable: 0, allows: 1 });
      machine.requireReboot();

      const blocked = await h.untilVerdict(machine.name, 'DrainBlocked');
      expect(statusOf(blocked.object)?.verdict?.message).to.equal(
        'Pods cannot be evicted now: default/twice: more than one PodDisruptionBudget selects it, so it cannot be evicted',
      );
      await h.untilBack(machine, 1);
      expect(await uidOf(h, 'twice')).to.equal(uid);
      expect(evictionsOf(h, 'twice')).to.deep.equal([{ dryRun: false, code: 500 }]);
    });
  });

  describe('is not begun', () => {
    it('while a budget allows no eviction: that is tried out, the node stays in service, and others go first', async () => {
      const h = harbour();
      const machine = await berth();
      const next = await h.addMachine('next');
      const nodeSelector = { matchExpressions: [{ key: 'role', operator: 'In' as const, values: ['worker'] }] };
      await askOf(machine, {}, { nodeSelector, failure: { backoff: { first: '1m' } } });
      await addPod(h, { name: 'kept', node: machine.name });
      await addBudget(h, { name: 'kept', app: 'kept', minAvailable: 1, allows: 0 });
      machine.requireReboot();

      const { code, message } = await firstEnding(machine.name);
      expect(code).to.equal('DrainWouldBlock');
      expect(message).to.contain('default/kept: PodDisruptionBudget kept allows no disruption now');
      await h.untilBlockers(machine.name, ['BackingOff']);
      await h.reboot(next);
      expect(wasCordoned(machine.name)).to.equal(false);
      expect(evictionsOf(h, 'kept')).to.deep.equal([{ dryRun: true, code: 429 }]);
    });

    it('while two budgets select one pod, which nobody could evict', async () => {
      const h = harbour();
      const machine = await berth({}, { failure: { backoff: { first: '1m' } } });
      await addPod(h, { name: 'double', node: machine.name });
      for (const name of ['one', 'other']) await addBudget(h, { name, app: 'double', minAvailable: 0, allows: 1 });
      machine.requireReboot();

      const { code, message } = await firstEnding(machine.name);
      expect(code).to.equal('DrainWouldBlock');
      expect(message).to.contain('default/double: more than one PodDisruptionBudget selects it');
      expect(wasCordoned(machine.name)).to.equal(false);
      expect(evictionsOf(h, 'double')).to.deep.equal([{ dryRun: true, code: 500 }]);
    });

    it('over pods that nothing would make again, unless the policy says force', async () => {
      const h = harbour();
      const machine = await berth({ force: false });
      await addPod(h, { name: 'bare', node: machine.name, owner: null });
      await addPod(h, { name: 'orphan', node: machine.name, owner: { kind: 'DaemonSet', name: 'gone' } });
      machine.requireReboot();

      const { code, message } = await firstEnding(machine.name);
      expect(code).to.equal('DrainRefused');
      expect(message)
        .to.contain('default/bare has no controller that would make it again (drain.force evicts it)')
        .and.contain('default/orphan belongs to the DaemonSet gone, which is gone (drain.force evicts it)');
      expect(wasCordoned(machine.name)).to.equal(false);

      await askOf(machine, { force: true });
      await h.untilBack(machine, 1);
      expect(await h.podsOn(machine.name)).to.deep.equal([]);
    });

    it('over pods with data in an emptyDir, if the policy keeps it', async () => {
      const h = harbour();
      const machine = await berth({ deleteEmptyDirData: false });
      await addPod(h, { name: 'cache', node: machine.name, emptyDir: true });
      machine.requireReboot();

      const { code, message } = await firstEnding(machine.name);
      expect(code).to.equal('DrainRefused');
      expect(message).to.contain('default/cache keeps data in the emptyDir scratch');
      expect(wasCordoned(machine.name)).to.equal(false);
      expect(evictionsOf(h, 'cache')).to.deep.equal([]);
    });
  });

  it('leaves pods of DaemonSets, mirror pods and finished pods; the node is handed back when the first are Ready again and have stayed so', async () => {
    const h = harbour();
    const machine = await berth({}, { verification: { soak: '5s' } });
    const { name: node } = machine;
    machine.rebooter.onOrder = 'hang';
    await h.bed.apply(daemonSet('logs', node));
    await h.kubectl('rollout', 'status', 'daemonset/logs', '--timeout=60s');
    await addPod(h, { name: 'mirror', node, owner: null, annotations: { 'kubernetes.io/config.mirror': 'x' } });
    await addPod(h, { name: 'done', node, owner: null });
    await h.kubectl('patch', 'pod', 'done', '--subresource=status', '-p', '{"status":{"phase":"Succeeded"}}');
    await addPod(h, { name: 'web', node });
    const [logs = ''] = (await h.podsOn(node)).filter((name) => name.startsWith('logs'));
    machine.requireReboot();

    await h.untilOrdered(machine);
    expect((await h.podsOn(node)).sort()).to.deep.equal(['done', logs, 'mirror']);

    await h.kubectl('annotate', 'pod', logs, 'test/not-ready=yes');
    await h.kubectl('wait', '--for=condition=Ready=False', `pod/${logs}`, '--timeout=30s');
    machine.beginReboot();
    const lacking = await h.untilVerdict(node, 'DaemonSetsNotReady');
    expect(statusOf(lacking.object)?.verdict?.message).to.contain('not yet: default/logs.');
    await h.kubectl('annotate', 'pod', logs, 'test/not-ready-');
    await h.untilVerdict(node, 'Soaking');
    expect(h.isCordoned(node), 'cordoned while it soaks').to.equal(true);
    await h.untilBack(machine, 1);
    expect((await h.podsOn(node)).sort()).to.deep.equal(['done', logs, 'mirror']);
  });

  it('moves only the pods that the policy selects', async () => {
    const h = harbour();
    const machine = await berth({ podSelector: { matchExpressions: [{ key: 'stays', operator: 'DoesNotExist' }] } });
    await addPod(h, { name: 'web', node: machine.name });
    const uid = await addPod(h, { name: 'probe', node: machine.name, owner: null, labels: { stays: 'here' } });
    machine.requireReboot();

    await h.untilBack(machine, 1);
    expect(await h.podsOn(machine.name)).to.deep.equal(['probe']);
    expect(await uidOf(h, 'probe')).to.equal(uid);
    expect(evictionsOf(h, 'probe')).to.deep.equal([]);
  });

  it('goes on without a pod that hangs in its end, after a while, and waits for it without end otherwise', async () => {
    const h = harbour();
    const machine = await berth();
    await addPod(h, { name: 'hangs', node: machine.name, finalizers: ['example.invalid/never'] });
    await h.kubectl('delete', 'pod', 'hangs', '--wait=false');
    machine.requireReboot();
    await h.untilVerdict(machine.name, 'Draining');
    const left = () => harbour().nodeReboot(machine.name)?.status?.drain?.podsLeft === 1;
    await waitFor('the pod to be counted', async () => left() || undefined, { timeoutMs: SOON });
    expect(machine.rebooter.orders).to.have.length(0);

    // An attempt keeps the policy that it began under.
    await h.calm();
    await askOf(machine, { skipWaitForDeleteTimeout: '1s' });
    await h.untilBack(machine, 1);
    expect(await uidOf(h, 'hangs')).not.to.equal('');
    await h.kubectl('patch', 'pod', 'hangs', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
  });

  it('never evicts the pod of a StatefulSet for the one before it, which had the same name', async () => {
    const h = harbour();
    const machine = await berth();
    await h.bed.apply(statefulSet('db', machine.name));
    await h.kubectl('rollout', 'status', 'statefulset/db', '--timeout=60s');
    const before = await uidOf(h, 'db-0');
    const first = proxy.hold(on('POST', '/pods/db-0/eviction'));
    machine.requireReboot();
    expect(meantBy(await first.arrived())).to.equal(before);

    const second = proxy.hold(on('POST', '/pods/db-0/eviction'));
    await h.kubectl('delete', 'pod', 'db-0', '--force', '--grace-period=0');
    const isAnother = async () => !['', before].includes(await uidOf(h, 'db-0'));
    await waitFor('another db-0', isAnother, { timeoutMs: SOON });
    const after = await uidOf(h, 'db-0');
    first.release();
    expect(meantBy(await second.arrived())).to.equal(after);
    expect(evictionsOf(h, 'db-0')).to.deep.equal([{ dryRun: false, code: 409 }]);
    expect(await h.podsOn(machine.name), 'not asked to go yet').to.deep.equal(['db-0']);

    await h.kubectl('scale', 'statefulset/db', '--replicas=0');
    second.release();
    await h.untilBack(machine, 1);
  });

  it('looks once more when it is done, and moves a pod that was bound in a race with the cordon', async () => {
    const h = harbour();
    const machine = await berth();
    const isList = (request: ProxiedRequest) =>
      on('GET', '/api/v1/pods')(request) &&
      !isWatch(request) &&
      request.query.get('fieldSelector') === `spec.nodeName=${machine.name}`;
    let lists = 0;
    const lastLook = proxy.hold((request) => {
      if (isList(request)) lists += 1;
      return lists === 2;
    });
    machine.requireReboot();
    await lastLook.arrived();
    expect(h.isCordoned(machine.name)).to.equal(true);
    await addPod(h, { name: 'late', node: machine.name });
    lastLook.release();

    await h.untilBack(machine, 1);
    expect(evictionsOf(h, 'late')).to.deep.equal([{ dryRun: false, code: 201 }]);
    expect(await uidOf(h, 'late')).to.equal('');
  });

  it('tells an API server that throttles from a budget that blocks, and tries again', async () => {
    const h = harbour();
    const machine = await berth();
    await addPod(h, { name: 'delayed', node: machine.name });
    const tooMany = {
      status: 429,
      message: 'too many requests, please try again later',
      headers: { 'retry-after': '1' },
    };
    proxy.refuse(on('POST', '/pods/delayed/eviction'), tooMany);
    machine.requireReboot();

    const blocked = await h.untilVerdict(machine.name, 'DrainBlocked');
    expect(statusOf(blocked.object)?.verdict?.message).to.equal(
      'Pods cannot be evicted now: default/delayed: the API server is throttling requests',
    );
    await h.untilBack(machine, 1);
    expect(evictionsOf(h, 'delayed')).to.deep.equal([{ dryRun: false, code: 201 }]);
  });
});

/** The UID of the pod that an eviction is for. */
function meantBy({ body }: ProxiedRequest): string | undefined {
  return (body as { deleteOptions?: { preconditions?: { uid?: string } } }).deleteOptions?.preconditions?.uid;
}

function daemonSet(name: string, node: string): string {
  return workload('DaemonSet', name, { nodeSelector: { 'kubernetes.io/hostname': node } });
}

/** Its pods do not wait for a node that is schedulable. */
function statefulSet(name: string, node: string): string {
  return workload('StatefulSet', name, { nodeName: node });
}

function workload(kind: string, name: string, where: object): string {
  const labels = { app: name };
  const containers = [{ name: 'main', image: 'example.invalid/main' }];
  const spec = {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { ...where, terminationGracePeriodSeconds: 1, containers } },
  };
  return JSON.stringify({ apiVersion: 'apps/v1', kind, metadata: { name, namespace: 'default' }, spec });
}
