import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { DrydockOperator, type Work } from '../../src/controller/operator.ts';
import { settled } from '../support/clock.ts';
import { MemoryLog } from '../support/log.ts';

/** What the base class keeps to subclasses. */
interface Inner {
  getCustomResourceApiUri(group: string, version: string, plural: string, namespace?: string): string;
  registerCustomResourceDefinition(): Promise<never>;
}

describe('the operator', () => {
  let watched: string[];
  let running: boolean;
  let operator: DrydockOperator;
  beforeEach(() => {
    watched = [];
    running = false;
    const work: Work = {
      watch: (path) => void watched.push(path),
      run: async (signal) => {
        running = true;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        running = false;
      },
    };
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromOptions({
      clusters: [{ name: 'c', server: 'https://api.example:6443' }],
      users: [{ name: 'u' }],
      contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
      currentContext: 'x',
    });
    operator = new DrydockOperator(kubeConfig, work, new MemoryLog());
  });
  afterEach(() => operator.stop());
  const inner = () => operator as unknown as Inner;

  it('has everything watched that decisions are made from, by our own caches, and runs', async () => {
    await operator.start();
    expect(watched).to.deep.equal([
      '/api/v1/nodes',
      '/api/v1/namespaces',
      '/apis/drydock.dev/v1alpha1/rebootpolicies',
      '/apis/drydock.dev/v1alpha1/nodereboots',
      '/apis/apps/v1/daemonsets',
      '/apis/coordination.k8s.io/v1/leases',
    ]);
    expect(running).to.equal(true);
  });

  it('stops its work in order, without ending the process', async () => {
    await operator.start();
    operator.stop();
    await operator.ended();
    await settled();
    expect(running).to.equal(false);
  });

  it('creates no resource definitions, for which it has no right', async () => {
    const error = await inner()
      .registerCustomResourceDefinition()
      .catch((thrown: unknown) => thrown);
    expect(error).to.have.property('message').that.contains('apply crds/ with kubectl');
  });

  it('takes the server from the kubeconfig', () => {
    expect(inner().getCustomResourceApiUri('drydock.dev', 'v1alpha1', 'nodereboots')).to.equal(
      'https://api.example:6443/apis/drydock.dev/v1alpha1/nodereboots',
    );
    expect(inner().getCustomResourceApiUri('', 'v1', 'pods', 'x')).to.equal(
      'https://api.example:6443/api/v1/namespaces/x/pods',
    );
  });
});
