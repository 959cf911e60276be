import { expect } from 'chai';
import { type Flight, ID, inFlight, running } from '../support/attempt.ts';
import { aNode, aPolicy, aSlot, cordonedFor, decideOn, type Given, writesOf } from '../support/cluster.ts';
import { SPARE } from '../support/fleet.ts';

const CONTROL_PLANE = { 'node-role.kubernetes.io/control-plane': '' };
const look = (given: Given) => {
  const { plan } = decideOn(given);
  return { writes: writesOf(plan), asks: plan.asks, verdict: plan.inFlight.get('n1')?.verdict };
};

describe('the last look before a reboot is requested', () => {
  it('finds a node that is drained and asks for its reboot', () => {
    expect(look(inFlight()).writes).to.deep.equal(['mark', 'request']);
  });

  describe('at a control-plane node', () => {
    const drained = (other: object, flight: Flight = {}) =>
      inFlight({
        nodes: [
          aNode('n1', { ...cordonedFor(ID), labels: { role: 'worker', ...CONTROL_PLANE } }),
          aNode('n2', { labels: CONTROL_PLANE, ...other }),
          SPARE,
        ],
        ...flight,
      });

    it('is at all nodes anew, since another may have gone down during the drain', () => {
      const given = drained({});
      const unread = { ...given, answers: { ...given.answers, nodesFresh: false } };
      expect(look(unread).writes).to.deep.equal([]);
      expect(look(unread).asks).to.deep.include({ kind: 'nodes' });
      expect(look(given).writes).to.deep.equal(['mark', 'request']);
    });

    it('keeps it while another one is NotReady or has a slot, and puts it back when that lasts', () => {
      expect(look(drained({ ready: false })).writes).to.deep.equal([]);
      expect(look(drained({ ready: false })).verdict?.code).to.equal('ControlPlaneBusy');
      const slots = [aSlot('n1'), aSlot('n2', { policyUID: 'other' })];
      expect(look(drained({ deleting: true }, { slots })).verdict?.code).to.equal('ControlPlaneBusy');
      const late = drained({ ready: false }, { timers: running(`recheck/${ID}`, 600) });
      expect(look(late).writes).to.deep.equal(['endAttempt']);
    });
  });

  it('is also at who may have said stop: what could not be read is no leave', () => {
    const { writes, verdict } = look(inFlight({ namespaceAnnotations: null }));
    expect([writes, verdict?.code]).to.deep.equal([[], 'CheckingGates']);
    const late = inFlight({ namespaceAnnotations: null, timers: running(`recheck/${ID}`, 600) });
    expect(look(late).writes, 'and the node is put back when it lasts').to.deep.equal(['endAttempt']);
  });

  it('is at who owns the node: another policy, which may only report, has taken it over', () => {
    const above = aPolicy({ mode: 'Report', priority: 10 }, 'above');
    const given = inFlight();
    const { writes } = look({ ...given, policies: [...(given.policies ?? []), above] });
    expect(writes).to.deep.equal(['endAttempt']);
    const below = { ...above, spec: { ...above.spec, priority: -10 } };
    expect(look({ ...given, policies: [...(given.policies ?? []), below] }).writes).to.deep.equal(['mark', 'request']);
  });

  it('is at who cordoned the node: somebody who did since the attempt began wants it left alone', () => {
    const foreign = { unschedulable: true, unschedulableManagers: ['kubectl'] };
    expect(look(inFlight({ node: foreign, attempt: { cordonedBefore: true } })).writes).to.deep.equal([
      'mark',
      'request',
    ]);
    expect(look(inFlight({ node: foreign, attempt: { cordonedBefore: false } })).writes).to.deep.equal(['endAttempt']);
  });
});
