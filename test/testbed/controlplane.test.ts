import { AuthenticationV1Api, CoreV1Api } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { Identity } from './cluster/identity.ts';
import { waitFor } from './process/wait.ts';
import { TestBed } from './testbed.ts';

describe('the control plane of the test bed', () => {
  let bed: TestBed;
  let startedInMs: number;

  before(async () => {
    const started = Date.now();
    bed = await TestBed.start();
    startedInMs = Date.now() - started;
  });

  after(() => bed?.stop());

  it('is up within seconds', () => {
    console.log(`      control plane and kwok: ${startedInMs} ms`);
    // It takes 3 to 4 s on two idle cores; the bound is for busy ones.
    expect(startedInMs).to.be.below(20_000);
  });

  it('is the version that the Go module pins', async () => {
    expect(await bed.api.json('/version')).to.include({ gitVersion: 'v1.36.4' });
  });

  it('gives tokens that carry the name of the node to which they are bound', async () => {
    await bed.createNode('claimed');
    const identity = await bed.serviceAccount({ namespace: 'default', name: 'default' }, 'claimed');
    const review = await bed.client(AuthenticationV1Api, identity).createSelfSubjectReview({ body: {} });
    expect(review.status?.userInfo?.username).to.equal(identity.user);
    expect(review.status?.userInfo?.extra).to.deep.include({ 'authentication.kubernetes.io/node-name': ['claimed'] });
  });

  it('refuses a token whose node is gone', async () => {
    await bed.createNode('mortal');
    const identity = await bed.serviceAccount({ namespace: 'default', name: 'default' }, 'mortal');
    await bed.core.deleteNode({ name: 'mortal' });
    await waitFor('the refusal', async () => (await statusOf(listPods(bed, identity))) === 401, { timeoutMs: 15_000 });
  });

  it('keeps a kubelet from changing another node', async () => {
    await Promise.all(['own', 'other'].map((name) => bed.createNode(name)));
    const kubelet = await bed.control.certificateIdentity('system:node:own', 'system:nodes');
    const core = bed.client(CoreV1Api, kubelet);
    const body = [{ op: 'add', path: '/metadata/annotations/test~1touched', value: 'yes' }];
    expect(await statusOf(core.patchNode({ name: 'own', body }))).to.equal(200);
    expect(await statusOf(core.patchNode({ name: 'other', body }))).to.equal(403);
  });

  it('refuses what RBAC does not allow', async () => {
    const identity = await bed.serviceAccount({ namespace: 'default', name: 'default' });
    expect(await statusOf(listPods(bed, identity))).to.equal(403);
  });

  it('counts the requests of each user', async () => {
    const identity = await bed.control.certificateIdentity('counted', 'system:masters');
    const core = bed.client(CoreV1Api, identity);
    await core.listNode();
    await core.listNode();
    await core.listNamespacedPod({ namespace: 'default' });
    expect(bed.audit.count({ user: 'counted' })).to.equal(3);
    expect(bed.audit.count({ user: 'counted', verb: 'list', resource: 'nodes' })).to.equal(2);
    await core.readNode({ name: 'nobody' }).catch(() => undefined);
    expect(bed.audit.requests({ user: 'counted', verb: 'get' })).to.have.length(1);
    expect(bed.audit.requests({ user: 'counted', verb: 'get' })[0]).to.include({ name: 'nobody', code: 404 });
    expect(bed.audit.summary({ user: 'counted' })).to.match(/^ +2 {2}counted list nodes\n/);
  });

  it('counts a watch while it lasts, and once', async () => {
    const watch = '/api/v1/nodes?watch=1&timeoutSeconds=1';
    const response = await bed.api.stream(watch, AbortSignal.timeout(10_000));
    const isCounted = (): boolean => bed.audit.count({ user: 'admin', verb: 'watch', resource: 'nodes' }) === 1;
    await waitFor('the watch in the audit log', isCounted, { timeoutMs: 5_000 });
    for await (const _ of response);
    expect(isCounted()).to.equal(true);
  });

  it('runs kubectl with standard input, exit code and an identity', async () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'from-stdin' }, data: { a: '1' } };
    const created = await bed.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(map) });
    expect(created).to.deep.equal({ stdout: 'configmap/from-stdin created\n', stderr: '', code: 0 });
    const identity = await bed.serviceAccount({ namespace: 'default', name: 'default' });
    const refused = await bed.kubectl(['get', 'nodes'], { as: identity });
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain('Forbidden');
  });

  it('applies YAML and says why it cannot', async () => {
    await bed.apply('apiVersion: v1\nkind: Namespace\nmetadata: {name: applied}\n');
    expect((await bed.core.readNamespace({ name: 'applied' })).metadata?.name).to.equal('applied');
    const error = await bed.apply('apiVersion: v1\nkind: Nonsense\nmetadata: {name: x}\n').catch((e: Error) => e);
    expect(error).to.be.an('error').with.property('message').that.contains('Nonsense');
  });

  it('has its API server back on the same port after an outage', async () => {
    const { server } = bed.control;
    await bed.stopApiServer();
    const refused = await bed.api.send('/readyz').catch((error: Error) => error);
    expect(refused).to.be.an('error');
    await bed.startApiServer();
    expect(bed.control.server).to.equal(server);
    expect((await bed.core.listNode()).items).to.not.be.empty;
  });
});

const listPods = (bed: TestBed, identity: Identity): Promise<unknown> =>
  bed.client(CoreV1Api, identity).listNamespacedPod({ namespace: 'default' });

/** 200, or the HTTP status of the refusal. */
async function statusOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
    return 200;
  } catch (error) {
    return (error as { code: number }).code;
  }
}
