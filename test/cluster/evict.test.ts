import { expect } from 'chai';
import { evict } from '../../src/cluster/evict.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import { TransportError, type TransportRequest } from '../../src/platform/transport.ts';
import { aPod } from '../support/cluster.ts';
import { type Answer, bodyOf, ScriptedTransport, status } from '../support/transport.ts';

const budget = (message: string) => ({ causes: [{ reason: 'DisruptionBudget', message }] });
const CANNOT = "Cannot evict pod as it would violate the pod's disruption budget.";

describe('an eviction', () => {
  async function answered(answer: Answer, grace: number | null = null) {
    const transport = new ScriptedTransport();
    transport.answer = () => answer;
    const outcome = await evict(new KubeApi(transport, 'tests'), aPod('web-1'), grace);
    return { outcome, request: transport.requests[0] as TransportRequest };
  }

  it('is of exactly the pod that was listed, with its own grace period', async () => {
    const { outcome, request } = await answered({ status: 201, body: { kind: 'Status', status: 'Success' } });
    expect(outcome).to.deep.equal({ kind: 'granted' });
    expect(request.method).to.equal('POST');
    expect(request.path.split('?')[0]).to.equal('/api/v1/namespaces/default/pods/web-1/eviction');
    expect(bodyOf(request)).to.deep.equal({
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'web-1', namespace: 'default' },
      deleteOptions: { preconditions: { uid: 'uid-of-web-1' } },
    });
  });

  it('carries a grace period that the policy sets, also none at all', async () => {
    for (const grace of [30, 0]) {
      const { request } = await answered({}, grace);
      expect(bodyOf(request)).to.have.deep.property('deleteOptions', {
        gracePeriodSeconds: grace,
        preconditions: { uid: 'uid-of-web-1' },
      });
    }
  });

  const outcomes: Record<string, [Answer, object]> = {
    'the pod is gone': [status(404, 'NotFound'), { kind: 'granted' }],
    'another pod has its name': [status(409, 'Conflict'), { kind: 'granted' }],
    'a budget has none to give': [
      status(
        429,
        'TooManyRequests',
        CANNOT,
        budget('The disruption budget web-pdb needs 2 healthy pods and has 2 currently'),
      ),
      { kind: 'budget', message: 'PodDisruptionBudget web-pdb allows no disruption now', retryAfterMs: 0 },
    ],
    'a budget is still being counted': [
      {
        ...status(429, 'TooManyRequests', CANNOT, {
          ...budget('The disruption budget web-pdb is still being processed by the server.'),
          retryAfterSeconds: 10,
        }),
      },
      { kind: 'budget', message: 'a PodDisruptionBudget allows no disruption now', retryAfterMs: 10_000 },
    ],
    'the API server protects itself': [
      { ...(status(429, 'TooManyRequests') as object), headers: { 'retry-after': '7' } },
      { kind: 'throttled', retryAfterMs: 7_000 },
    ],
    'a proxy throttles without saying more': [
      { status: 429, body: 'slow down' },
      { kind: 'throttled', retryAfterMs: 0 },
    ],
    'two budgets select it': [
      status(
        500,
        'InternalError',
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      ),
      { kind: 'manyBudgets' },
    ],
  };
  for (const [what, [answer, outcome]] of Object.entries(outcomes)) {
    it(`ends as ${JSON.stringify(outcome)} when ${what}`, async () => {
      expect((await answered(answer)).outcome).to.deep.equal(outcome);
    });
  }

  it('ends as an error with its reason when anything else is answered, or nothing', async () => {
    const failing = [
      status(500, 'InternalError', 'etcd is down'),
      status(403, 'Forbidden', 'etcd is down'),
      new TransportError('etcd is down'),
    ];
    for (const answer of failing) {
      const { outcome } = await answered(answer);
      expect(outcome.kind).to.equal('error');
      expect(outcome).to.have.property('message').that.contains('etcd is down');
    }
  });

  it('keeps the reason of an error short', async () => {
    const { outcome } = await answered(status(500, 'InternalError', 'x'.repeat(5_000)));
    expect(outcome).to.have.property('message').with.length(300);
  });

  it('says the same of a budget however its counts change', async () => {
    const said = await Promise.all(
      [1, 2].map((count) =>
        answered(status(429, 'TooManyRequests', CANNOT, budget(`The disruption budget b needs ${count} healthy pods`))),
      ),
    );
    expect(said[0]?.outcome).to.deep.equal(said[1]?.outcome);
  });
});
