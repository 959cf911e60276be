import { expect } from 'chai';
import { deletePod, tryEviction } from '../../src/cluster/evict.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import { aPod } from '../support/cluster.ts';
import { type Answer, bodyOf, ScriptedTransport, status } from '../support/transport.ts';

function answering(answer: Answer) {
  const transport = new ScriptedTransport();
  transport.answer = () => answer;
  return { transport, api: new KubeApi(transport, 'tests') };
}

const REFUSED = status(429, 'TooManyRequests', 'no', {
  causes: [
    { reason: 'DisruptionBudget', message: 'The disruption budget web needs 2 healthy pods and has 2 currently' },
  ],
});

describe('an eviction that is only tried out', () => {
  it('says so in the query, where audit logs and proxies see it, and names exactly the pod', async () => {
    const { transport, api } = answering({});
    expect(await tryEviction(api, aPod('web-1'))).to.deep.equal({ kind: 'granted' });
    const [request] = transport.requests;
    expect(transport.requests).to.have.length(1);
    expect(request?.method).to.equal('POST');
    const [path, query] = request?.path.split('?') ?? [];
    expect(path).to.equal('/api/v1/namespaces/default/pods/web-1/eviction');
    expect(new URLSearchParams(query).get('dryRun')).to.equal('All');
    expect(request && bodyOf(request)).to.have.deep.property('deleteOptions', {
      preconditions: { uid: 'uid-of-web-1' },
    });
  });

  it('is answered as the eviction would be', async () => {
    const { api } = answering(REFUSED);
    expect(await tryEviction(api, aPod('web-1'))).to.include({
      kind: 'budget',
      message: 'PodDisruptionBudget web allows no disruption now',
    });
  });

  it('never rejects', async () => {
    const { api } = answering(new Error('no route to host'));
    expect(await tryEviction(api, aPod('web-1'))).to.deep.equal({ kind: 'error', message: 'no route to host' });
  });
});

describe('the deletion of a pod', () => {
  const deleted = async (answer: Answer, grace: number | null = null) => {
    const { transport, api } = answering(answer);
    const outcome = await deletePod(api, aPod('web-1'), grace);
    return { outcome, requests: transport.requests };
  };

  it('is of exactly the pod that was listed', async () => {
    const { outcome, requests } = await deleted({});
    expect(outcome).to.deep.equal({ kind: 'granted' });
    expect(requests.map(({ method, path }) => `${method} ${path}`)).to.deep.equal([
      'DELETE /api/v1/namespaces/default/pods/web-1',
    ]);
    expect(requests.map(bodyOf)).to.deep.equal([
      { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'uid-of-web-1' } },
    ]);
  });

  it('carries the grace period of the policy, also none at all', async () => {
    for (const grace of [30, 0]) {
      const { requests } = await deleted({}, grace);
      expect(requests.map(bodyOf)[0]).to.include({ gracePeriodSeconds: grace });
    }
  });

  it('has done what it should where the pod is gone, or another has its name', async () => {
    for (const answer of [status(404, 'NotFound'), status(409, 'Conflict')])
      expect((await deleted(answer)).outcome).to.deep.equal({ kind: 'granted' });
  });

  it('tells what the API server said where the controller has no right to it', async () => {
    const { outcome } = await deleted(status(403, 'Forbidden', 'pods "web-1" is forbidden'));
    expect(outcome.kind === 'error' && outcome.message).to.contain('pods "web-1" is forbidden');
  });
});
