import { expect } from 'chai';
import type { ManagedFieldsEntry, Node } from '../../src/api/objects.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import { nodeView, withoutManagedFields } from '../../src/cluster/project.ts';
import { ClusterReads } from '../../src/cluster/reads.ts';
import { ScriptedTransport, status } from '../support/transport.ts';

const manages = (manager: string, fields: object): ManagedFieldsEntry => ({
  manager,
  operation: 'Update',
  fieldsV1: { 'f:spec': fields },
});

function node(changes: Partial<Node['metadata']> = {}, rest: Partial<Node> = {}): Node {
  return {
    metadata: { name: 'n1', uid: 'u1', resourceVersion: '5', creationTimestamp: '2026-01-01T00:00:00Z', ...changes },
    ...rest,
  };
}

describe('what is kept of a Node', () => {
  it('is what decisions need', () => {
    const ready = { type: 'Ready', status: 'True', lastHeartbeatTime: '2026-11-02T11:59:00Z' };
    const view = nodeView(
      node(
        { labels: { a: 'b' }, annotations: { 'drydock.dev/pause': 'x', 'other.dev/drydock.dev/': 'y' } },
        {
          spec: {
            unschedulable: true,
            taints: [
              { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
              { key: 'soft', effect: 'PreferNoSchedule' },
              { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
            ],
          },
          status: {
            nodeInfo: { bootID: 'b1' },
            conditions: [{ type: 'DiskPressure', status: 'False', lastHeartbeatTime: 'other' }, ready],
          },
        },
      ),
    );
    expect(view).to.deep.equal({
      name: 'n1',
      uid: 'u1',
      resourceVersion: '5',
      labels: { a: 'b' },
      annotations: { 'drydock.dev/pause': 'x' },
      createdAt: '2026-01-01T00:00:00Z',
      deleting: false,
      unschedulable: true,
      taints: ['dedicated=gpu:NoSchedule'],
      unschedulableManagers: [],
      bootID: 'b1',
      ready: true,
      lastHeartbeatTime: '2026-11-02T11:59:00Z',
    });
  });

  it('is a node that is not Ready and schedulable while its kubelet has said nothing', () => {
    expect(nodeView(node())).to.include({ ready: false, unschedulable: false, bootID: '', lastHeartbeatTime: '' });
  });

  for (const said of ['False', 'Unknown']) {
    it(`is not Ready when Ready is ${said}`, () => {
      const conditions = [{ type: 'Ready', status: said }];
      expect(nodeView(node({}, { status: { conditions } })).ready).to.equal(false);
    });
  }

  it('tells that it is being deleted', () => {
    expect(nodeView(node({ deletionTimestamp: '2026-11-02T12:00:00Z' })).deleting).to.equal(true);
  });

  it('names every manager of spec.unschedulable, and no other', () => {
    const managedFields = [
      manages('kubelet', { 'f:podCIDR': {} }),
      manages('kubectl-cordon', { 'f:unschedulable': {} }),
      manages('drydock-controller', { 'f:unschedulable': {}, 'f:taints': {} }),
      { manager: 'apiserver', fieldsV1: { 'f:status': { 'f:unschedulable': {} } } },
      { manager: 'broken' },
    ];
    expect(nodeView(node({ managedFields })).unschedulableManagers).to.deep.equal([
      'drydock-controller',
      'kubectl-cordon',
    ]);
  });

  it('does without managed fields elsewhere, and changes nothing else', () => {
    const object = node({ managedFields: [manages('x', {})], labels: { a: 'b' } });
    expect(withoutManagedFields(object)).to.deep.equal(node({ labels: { a: 'b' } }));
    expect(object.metadata.managedFields, 'the object itself stays as it is').to.have.length(1);
  });
});

describe('reads past the caches', () => {
  let transport: ScriptedTransport;
  let seen: string[];
  let reads: ClusterReads;
  beforeEach(() => {
    transport = new ScriptedTransport();
    seen = [];
    reads = new ClusterReads(
      new KubeApi(transport, 'tests'),
      'drydock',
      ({ metadata }) => void seen.push(metadata.name),
    );
  });
  const lists = (...items: object[]) => {
    transport.answer = () => ({ body: { metadata: { resourceVersion: '9' }, items } });
  };

  it('hand every Node that they read to the caches', async () => {
    lists(node(), node({ name: 'n2' }));
    expect((await reads.nodes()).map(({ name }) => name)).to.deep.equal(['n1', 'n2']);
    transport.answer = () => ({ body: node({ name: 'n3' }) });
    expect(await reads.node('n3')).to.include({ name: 'n3' });
    expect(seen).to.deep.equal(['n1', 'n2', 'n3']);
  });

  it('read the pods of one node', async () => {
    lists(node());
    expect(await reads.pods('n1')).to.have.length(1);
    expect(transport.requests[0]?.path).to.equal('/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&limit=500');
  });

  it("read when a node's kubelet renewed its Lease", async () => {
    transport.answer = () => ({ body: { spec: { renewTime: '2026-11-02T11:59:55.000000Z' } } });
    expect(await reads.leaseRenewTime('n1')).to.equal('2026-11-02T11:59:55.000000Z');
    expect(transport.requests[0]?.path).to.equal('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1');
  });

  it('take what is not there for gone, and no other refusal', async () => {
    transport.answer = () => status(404, 'NotFound');
    expect(await reads.node('n1')).to.equal(undefined);
    expect(await reads.leaseRenewTime('n1')).to.equal('');
    transport.answer = () => status(403, 'Forbidden');
    for (const read of [reads.node('n1'), reads.leaseRenewTime('n1'), reads.pods('n1'), reads.nodes()]) {
      expect(await read.catch((error: unknown) => error)).to.include({ status: 403 });
    }
  });
});
