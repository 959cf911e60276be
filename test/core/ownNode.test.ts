import { expect } from 'chai';
import type { Replica } from '../../src/core/model.ts';
import { inFlight, theStep } from '../support/attempt.ts';
import {
  aNode,
  aNodeReboot,
  aPod,
  aPolicy,
  aSlot,
  decideOn,
  type Given,
  required,
  writesOf,
} from '../support/cluster.ts';
import { fleet, SPARE, waits, why } from '../support/fleet.ts';

const self = { node: 'own', namespace: 'drydock', pod: 'drydock-1' };
const OWN: Replica = { pod: 'drydock-1', node: 'own', ready: true };
const OTHER: Replica = { pod: 'drydock-2', node: 'spare', ready: true };

/** The controller's node requires a reboot; its replicas have been read. */
const own = (replicas: readonly Replica[] | null, changes: Given = {}): Given =>
  fleet(['own'], { self, answers: { nodesFresh: true, replicas }, ...changes });
const decided = (given: Given) => {
  const { plan } = decideOn(given);
  return { writes: writesOf(plan), handOver: plan.handOver, asks: plan.asks.map(({ kind }) => kind) };
};
const NOTHING = { writes: [], handOver: null, asks: [] };

describe("the active controller's node", () => {
  it('has the replicas read first when its turn has come', () => {
    expect(decided(own(null))).to.deep.equal({ ...NOTHING, asks: ['replicas'] });
    expect(why(own(null), 'own')).to.deep.equal(['ControllerNode']);
  });

  it('does not start: leadership goes to a Ready replica on another schedulable node', () => {
    expect(decided(own([OWN, OTHER]))).to.deep.equal({ ...NOTHING, handOver: 'drydock-2' });
    expect(why(own([OWN, OTHER]), 'own')).to.deep.equal(['HandingOver']);
  });

  const useless: Record<string, [Replica[], Given?]> = {
    'there is no other replica': [[OWN]],
    'the other is not Ready': [[OWN, { ...OTHER, ready: false }]],
    'the other is on the same node': [[OWN, { ...OTHER, node: 'own' }]],
    'the other is on no node yet': [[OWN, { ...OTHER, node: '' }]],
    "the other's node is cordoned": [
      [OWN, OTHER],
      { nodes: [aNode('own'), aNode('spare', { labels: {}, unschedulable: true }), aNode('third', { labels: {} })] },
    ],
    "the other's node is NotReady": [
      [OWN, OTHER],
      { nodes: [aNode('own'), aNode('spare', { labels: {}, ready: false }), aNode('third', { labels: {} })] },
    ],
    "the other's node is being deleted": [
      [OWN, OTHER],
      { nodes: [aNode('own'), aNode('spare', { labels: {}, deleting: true }), aNode('third', { labels: {} })] },
    ],
  };
  for (const [what, [replicas, changes]] of Object.entries(useless)) {
    it(`waits where ${what}, and says what to do`, () => {
      expect(decided(own(replicas, changes))).to.deep.equal(NOTHING);
      const { plan } = decideOn(own(replicas, changes));
      expect(plan.waiting.get('own')?.blockers[0]?.code).to.equal('ControllerNode');
      expect(plan.waiting.get('own')?.blockers[0]?.message).to.contain('Run two replicas on different nodes');
    });
  }

  it('goes after all others, also of policies that are less important, and after one that a person wants now', () => {
    const labels = { role: 'infra' };
    const grant = { kind: 'RebootNow' as const, bootID: 'boot-1-of-own', at: '2026-11-02T11:59:00Z' };
    const given = own([OWN, OTHER], {
      nodes: [aNode('own'), aNode('other', { labels }), SPARE],
      nodeReboots: [aNodeReboot('own', { grant }, { agent: required('2020-01-01T00:00:00Z') }), waits('other')],
      policies: [aPolicy({ priority: 9 }), aPolicy({ nodeSelector: { matchLabels: labels } }, 'infra')],
    });
    const { plan } = decideOn(given);
    expect(theStep(plan.stepsAfterLock, 'beginAttempt').nodeReboot.metadata.name).to.equal('other');
    expect([plan.handOver, why(given, 'own')]).to.deep.equal([null, ['ControllerNodeLast']]);
  });

  it('waits while any node has a slot', () => {
    const given = own([OWN, OTHER], {
      nodes: [aNode('own'), aNode('third', { labels: {} }), SPARE],
      slots: [aSlot('third', { policyUID: 'other' })],
      maxDisrupted: 5,
    });
    expect(decideOn(given).plan.handOver).to.equal(null);
    expect(why(given, 'own')).to.deep.equal(['ControllerNodeLast']);
  });

  it('hands over only when it could start itself: gates, holds and the budget come first', () => {
    const gates = { prometheus: { url: 'http://p' } };
    const policies = [aPolicy({ gates })];
    expect(decided(own([OWN, OTHER], { policies }))).to.deep.equal({ ...NOTHING, asks: ['gates'] });
    const closed = new Map([['workers', { code: 'ActiveAlerts', message: 'm' }]]);
    const shut = own(null, { policies, answers: { nodesFresh: true, replicas: [OWN, OTHER], gates: closed } });
    expect([decided(shut), why(shut, 'own')]).to.deep.equal([NOTHING, ['ActiveAlerts']]);
    const stale = own(null, { answers: { nodesFresh: false, replicas: [OWN, OTHER] } });
    expect(decided(stale)).to.deep.equal({ ...NOTHING, asks: ['nodes'] });
    const kept: [Given, string][] = [
      [{ otherLocks: ['elsewhere'] }, 'OtherRebooter'],
      [{ maxDisrupted: 0 }, 'ClusterBudgetUsed'],
      [{ namespaceAnnotations: { 'drydock.dev/hold': '' } }, 'Held'],
    ];
    for (const [changes, code] of kept) {
      expect(decided(own([OWN, OTHER], changes)), code).to.deep.equal(NOTHING);
      expect(why(own([OWN, OTHER], changes), 'own')).to.deep.equal([code]);
    }
  });

  it('is told that it would be rebooted under a policy that only reports, and nobody hands over', () => {
    const given = own([OWN, OTHER], { policies: [aPolicy({ mode: 'Report' })] });
    expect([decided(given), why(given, 'own')]).to.deep.equal([NOTHING, ['ReportOnly']]);
  });

  it('is a node like any other for the replica that leads then, and where nobody knows where the controller runs', () => {
    const { self: _, ...nowhere } = own([OWN, OTHER]);
    for (const given of [own(null, { self: { ...self, node: 'spare', pod: 'drydock-2' } }), nowhere])
      expect(decided(given).writes).to.deep.equal(['take', 'beginAttempt']);
  });
});

describe('disruption.allowLastNode', () => {
  const policies = [aPolicy({ disruption: { allowLastNode: true } })];

  it('lets the only node start, with the active controller on it and without another replica', () => {
    const given = own(null, { nodes: [aNode('own')], policies });
    expect(decided(given)).to.deep.equal({ ...NOTHING, writes: ['take', 'beginAttempt'] });
    expect(why(own(null, { nodes: [aNode('own')] }), 'own')).to.deep.equal(['LastSchedulableNode']);
  });

  it("leaves the controller's pod on the node, and moves the others", () => {
    const controller = aPod('drydock-1', { metadata: { namespace: 'drydock' } });
    const draining = (allowLastNode: boolean) =>
      inFlight({
        spec: { disruption: { allowLastNode } },
        pods: [controller, aPod('web-1')],
        self: { ...self, node: 'n1' },
      });
    const moved = (allowLastNode: boolean) =>
      theStep(decideOn(draining(allowLastNode)).plan.steps, 'evict').pods.map(({ metadata }) => metadata.name);
    expect([moved(true), moved(false)]).to.deep.equal([['web-1'], ['drydock-1', 'web-1']]);
  });
});
