import { expect } from 'chai';
import type { DaemonSet } from '../../src/api/objects.ts';
import { productOf } from '../../src/cluster/rebooters.ts';
import { policyView } from '../../src/core/views/policyView.ts';
import { aPolicy, decideOn } from '../support/cluster.ts';
import { fleet, started, why } from '../support/fleet.ts';

const daemonSet = (
  name: string,
  image = 'registry.example/tools/pause:3.10',
  metadata: Partial<DaemonSet['metadata']> = {},
  scheduled = 3,
): DaemonSet => ({
  metadata: { name, namespace: 'kube-system', uid: 'u', resourceVersion: '1', creationTimestamp: '', ...metadata },
  spec: { template: { spec: { hostPID: true, containers: [{ image: 'sidecar' }, { image }] } } },
  status: { desiredNumberScheduled: scheduled },
});

describe('a DaemonSet that reboots nodes', () => {
  for (const [image, product] of [
    ['ghcr.io/kubereboot/kured:1.17.1', 'kured'],
    ['registry.example:5000/mirror/kured@sha256:00', 'kured'],
    ['kured', 'kured'],
    ['public.ecr.aws/bottlerocket/bottlerocket-update-operator:v1.4.0', 'Bottlerocket update operator'],
    ['quay.io/kinvolk/flatcar-linux-update-operator:v0.9.0', 'Flatcar Linux update operator'],
  ]) {
    it(`is known by its image ${image}`, () => expect(productOf(daemonSet('x', image))).to.equal(product));
  }

  it('is known by its name, by its label, and by the lock that kured keeps on it', () => {
    expect(productOf(daemonSet('kured'))).to.equal('kured');
    expect(productOf(daemonSet('brupop-agent'))).to.equal('Bottlerocket update operator');
    expect(productOf(daemonSet('x', 'y', { labels: { 'app.kubernetes.io/name': 'kured' } }))).to.equal('kured');
    expect(productOf(daemonSet('x', 'y', { annotations: { 'weave.works/kured-node-lock': '{}' } }))).to.equal('kured');
  });

  it('is not taken for one where only part of a word is alike, nor our own agent', () => {
    for (const name of ['secured', 'kuredo', 'node-exporter', 'drydock-agent'])
      expect(productOf(daemonSet(name, `example/${name}:1`)), name).to.equal('');
  });

  it('does not count while it runs on no node, and does as long as nobody has counted', () => {
    expect(productOf(daemonSet('kured', 'kured', {}, 0))).to.equal('');
    const { status: _, ...uncounted } = daemonSet('kured');
    expect(productOf(uncounted)).to.equal('kured');
  });

  it('does not count if it cannot reach its host: a name alone must not stop reboots', () => {
    const { spec: _, ...rest } = daemonSet('kured', 'kured');
    const withSpec = (spec: object) => productOf({ ...rest, spec: { template: { spec } } });
    expect(withSpec({ containers: [{ image: 'kured' }] })).to.equal('');
    expect(withSpec({ containers: [{ image: 'kured', securityContext: { privileged: true } }] })).to.equal('kured');
    expect(withSpec({ containers: [{ image: 'kured' }], volumes: [{ hostPath: { path: '/run' } }] })).to.equal('kured');
  });

  it('has a DaemonSet without containers be none', () => {
    expect(productOf({ ...daemonSet('x'), spec: {} })).to.equal('');
  });
});

describe('something else that reboots nodes', () => {
  const others = {
    daemonSets: { 'kube-system/kured': { uid: 'u', rebooter: 'kured' }, 'a/logs': { uid: 'v', rebooter: '' } },
  };
  const under = (otherRebooters: 'Refuse' | 'Ignore', mode: 'Enforce' | 'Report' = 'Enforce') =>
    fleet(['n1'], { ...others, policies: [aPolicy({ otherRebooters, mode })] });

  it('keeps every node from starting, and is named', () => {
    expect(started(under('Refuse'))).to.deep.equal([]);
    const [blocker] = decideOn(under('Refuse')).plan.waiting.get('n1')?.blockers ?? [];
    expect(blocker?.code).to.equal('OtherRebooter');
    expect(blocker?.message).to.contain('the DaemonSet kube-system/kured (kured). Remove it');
  });

  it('is also a Drydock of another namespace, known by its lock', () => {
    const given = fleet(['n1'], { otherLocks: ['elsewhere'] });
    const [blocker] = decideOn(given).plan.waiting.get('n1')?.blockers ?? [];
    expect(blocker?.message).to.contain('the Drydock of namespace elsewhere');
  });

  it('keeps nothing where the policy says that it is known, or only reports', () => {
    expect(started(under('Ignore'))).to.deep.equal(['n1']);
    expect(why(under('Refuse', 'Report'), 'n1')).to.deep.equal(['ReportOnly']);
  });

  it('makes the policy not Ready', () => {
    const { plan, snapshot } = decideOn(under('Refuse'));
    const view = plan.policies[0] && policyView(plan.policies[0], plan, [], snapshot);
    expect(view?.conditions[0]).to.include({ type: 'Ready', status: 'False', reason: 'OtherRebooter' });
  });
});
