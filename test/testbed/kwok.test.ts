import { BatchV1Api } from '@kubernetes/client-node';
import { expect } from 'chai';
import { sleep, waitFor } from './process/wait.ts';
import { TestBed } from './testbed.ts';

describe('a node of the test bed', () => {
  let bed: TestBed;

  before(async () => {
    bed = await TestBed.start({ nodes: ['n1'] });
  });

  after(() => bed?.stop());

  it('goes NotReady and comes back with a new boot ID when it is told to reboot', async () => {
    const bootId = (await bed.core.readNode({ name: 'n1' })).status?.nodeInfo?.bootID;
    expect(bootId).to.match(/^[0-9a-f-]{36}$/);
    const started = Date.now();
    await annotate({ 'test/reboot': 'requested', 'test/reboot-duration': '1s' });
    await waitFor('NotReady', async () => (await readiness('n1')) === 'False', { timeoutMs: 20_000 });
    await waitFor('Ready', async () => (await readiness('n1')) === 'True', { timeoutMs: 30_000 });
    console.log(`      reboot: ${Date.now() - started} ms`);
    const node = await bed.core.readNode({ name: 'n1' });
    expect(node.status?.nodeInfo?.bootID)
      .to.match(/^[0-9a-f-]{36}$/)
      .and.not.equal(bootId);
    expect(node.metadata?.annotations).to.not.have.property('test/reboot');
  });

  it('stays Ready for longer than the grace of the controller manager', async () => {
    await sleep(10_000);
    expect(await readiness('n1')).to.equal('True');
  }).timeout(15_000);

  it('runs pods and deletes them within their grace period', async () => {
    await bed.apply(pod('quick', {}, 30));
    await bed.apply(pod('slow', { 'test/stop-seconds': '60' }, 3));
    for (const name of ['quick', 'slow']) await waitFor(`pod ${name}`, () => isReady(name), { timeoutMs: 10_000 });
    await Promise.all(['quick', 'slow'].map((name) => bed.core.deleteNamespacedPod({ name, namespace: 'default' })));
    const deleted = Date.now();
    await waitFor('end of quick', () => isGone('quick'), { timeoutMs: 4_000 });
    await waitFor('end of slow', () => isGone('slow'), { timeoutMs: 10_000 });
    expect(Date.now() - deleted, 'the grace period, which is shorter than what slow wants').to.be.within(2_500, 8_000);
  });

  it('makes pods ready or not as their annotation says', async () => {
    const path = '/api/v1/namespaces/default/pods/moody';
    const mark = (value: string | null): Promise<unknown> => annotate({ 'test/not-ready': value }, path);
    await bed.apply(pod('moody', { 'test/not-ready': 'yes' }, 1));
    const isRunning = async (): Promise<boolean> =>
      (await bed.core.readNamespacedPod({ name: 'moody', namespace: 'default' })).status?.phase === 'Running';
    await waitFor('a running pod', isRunning, { timeoutMs: 10_000 });
    expect(await isReady('moody')).to.equal(false);
    await mark(null);
    await waitFor('a ready pod', () => isReady('moody'), { timeoutMs: 10_000 });
    await mark('yes');
    await waitFor('a pod that is not ready', async () => !(await isReady('moody')), { timeoutMs: 10_000 });
    await mark(null);
  });

  it('ends the pods of Jobs as their annotations say', async () => {
    const batch = bed.client(BatchV1Api);
    await bed.apply(job('good', {}));
    await bed.apply(job('bad', { 'test/job-result': 'fail' }));
    const status = async (name: string): Promise<object | undefined> =>
      (await batch.readNamespacedJobStatus({ name, namespace: 'default' })).status;
    await waitFor('success', async () => ((await status('good')) as { succeeded?: number }).succeeded === 1, {
      timeoutMs: 20_000,
    });
    await waitFor('failure', async () => ((await status('bad')) as { failed?: number }).failed === 1, {
      timeoutMs: 20_000,
    });
  });

  it('is Ready again, with its pods, after an outage of the API server in which it was given up', async () => {
    await bed.apply(pod('survivor', {}, 1));
    await waitFor('the pod', () => isReady('survivor'), { timeoutMs: 10_000 });
    const bootId = (await bed.core.readNode({ name: 'n1' })).status?.nodeInfo?.bootID;
    await bed.stopApiServer();
    await sleep(12_000);
    await bed.startApiServer();
    // The controller manager needs a moment to find out, and to change its mind.
    await sleep(3_000);
    const isBack = async (): Promise<boolean> => (await readiness('n1')) === 'True' && (await isReady('survivor'));
    await waitFor('the node and its pod to be Ready', isBack, { timeoutMs: 15_000 });
    expect((await bed.core.readNode({ name: 'n1' })).status?.nodeInfo?.bootID).to.equal(bootId);
  }).timeout(60_000);

  async function annotate(annotations: Record<string, string | null>, path = '/api/v1/nodes/n1'): Promise<void> {
    const options = { method: 'PATCH', contentType: 'application/merge-patch+json' } as const;
    await bed.api.json(path, { ...options, body: { metadata: { annotations } } });
  }

  async function readiness(name: string): Promise<string | undefined> {
    const node = await bed.core.readNode({ name });
    return node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  }

  async function isReady(name: string): Promise<boolean> {
    const { status } = await bed.core.readNamespacedPod({ name, namespace: 'default' });
    return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  }

  async function isGone(name: string): Promise<boolean> {
    return (await bed.api.send(`/api/v1/namespaces/default/pods/${name}`)).status === 404;
  }
});

function pod(name: string, annotations: Record<string, string>, graceSeconds: number): string {
  const spec = { terminationGracePeriodSeconds: graceSeconds, containers: [{ name: 'main', image: 'none' }] };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', annotations }, spec });
}

function job(name: string, annotations: Record<string, string>): string {
  const template = {
    metadata: { annotations },
    spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'none' }] },
  };
  const metadata = { name, namespace: 'default' };
  return JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { backoffLimit: 0, template } });
}
