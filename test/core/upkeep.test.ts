import { expect } from 'chai';
import type { NodeRebootSpec } from '../../src/api/generated/nodereboot.ts';
import {
  aNode,
  aNodeReboot,
  anAttempt,
  aPolicy,
  aSlot,
  cordonedFor,
  decideOn,
  type Given,
  writesOf,
} from '../support/cluster.ts';

const ID = 'attempt-of-n1';
const SPARE = aNode('spare', { labels: {} });
const writes = (given: Given) => writesOf(decideOn(given).plan);
const first = (given: Given) => decideOn(given).plan.steps[0];
const cordoned = (changes = {}) => aNode('n1', { ...cordonedFor(ID), ...changes });

describe('upkeep', () => {
  it('has nothing to do where everything is in order', () => {
    expect(writes({ nodeReboots: [aNodeReboot('n1')] })).to.deep.equal([]);
  });

  it('makes a NodeReboot for every selected node, and no other', () => {
    expect(writes({})).to.deep.equal(['createNodeReboot']);
    expect(first({})).to.have.nested.property('node.name', 'n1');
    expect(writes({ policies: [] })).to.deep.equal([]);
  });

  it('makes none for a node that is being deleted', () => {
    expect(writes({ nodes: [aNode('n1', { deleting: true }), SPARE] })).to.deep.equal([]);
  });

  it('deletes the NodeReboot of a node that no policy selects any more', () => {
    expect(first({ policies: [], nodeReboots: [aNodeReboot('n1')] })).to.include({ kind: 'deleteNodeReboot' });
  });

  it('deletes the NodeReboot of an earlier node of a name', () => {
    const nodeReboots = [aNodeReboot('n1', { nodeUID: 'uid-of-earlier' })];
    expect(first({ nodeReboots })).to.include({ kind: 'deleteNodeReboot' });
  });

  it('deletes a NodeReboot whose node is gone', () => {
    expect(writes({ nodes: [SPARE], nodeReboots: [aNodeReboot('n1')] })).to.deep.equal(['deleteNodeReboot']);
  });

  it('makes the NodeReboot again that was deleted under a slot, so that its agent has somewhere to report', () => {
    const given = { nodes: [cordoned(), SPARE], slots: [aSlot('n1', { requested: 'nrb-of-before' })] };
    expect(writes(given)).to.deep.equal(['createNodeReboot']);
    expect(writes({ ...given, policies: [] }), 'also when no policy selects it any more').to.include(
      'createNodeReboot',
    );
  });

  it('keeps what a person has said on a NodeReboot while no policy selects its node', () => {
    for (const annotation of ['drydock.dev/hold', 'drydock.dev/pause']) {
      const nodeReboot = aNodeReboot('n1');
      const said = { ...nodeReboot, metadata: { ...nodeReboot.metadata, annotations: { [annotation]: 'disk' } } };
      expect(writes({ policies: [], nodeReboots: [said] })).to.deep.equal([]);
    }
  });

  it('waits for one that is being deleted', () => {
    const nodeReboot = aNodeReboot('n1', { nodeUID: 'uid-of-earlier' });
    nodeReboot.metadata.deletionTimestamp = '2026-11-02T12:00:00Z';
    expect(writes({ nodeReboots: [nodeReboot] })).to.deep.equal([]);
  });

  const nodeReboots = [aNodeReboot('n1')];

  it('takes our cordon off a node that has no slot', () => {
    expect(first({ nodes: [cordoned(), SPARE], nodeReboots })).to.include({ kind: 'restoreNode', uncordon: true });
  });

  it('takes only our marks off where somebody else owns the cordon now, or has lifted it', () => {
    const taken = [
      cordoned({ unschedulableManagers: ['drydock-controller', 'kubectl-cordon'] }),
      cordoned({ unschedulableManagers: ['kubectl-cordon'] }),
      cordoned({ unschedulableManagers: [] }),
      cordoned({ unschedulable: false, unschedulableManagers: [] }),
      aNode('n1', { unschedulable: true, annotations: { 'drydock.dev/epoch': '1' } }),
    ];
    for (const node of taken)
      expect(first({ nodes: [node, SPARE], nodeReboots })).to.include({ kind: 'restoreNode', uncordon: false });
  });

  it('leaves the cordons of others alone', () => {
    const nodes = [aNode('n1', { unschedulable: true, unschedulableManagers: ['kubectl-cordon'] }), SPARE];
    expect(writes({ nodes, nodeReboots })).to.deep.equal([]);
  });

  it('leaves a node with a slot to its attempt', () => {
    const slots = [aSlot('n1')];
    const steps = decideOn({ nodes: [cordoned(), SPARE], nodeReboots, slots }).plan.steps;
    expect(steps.map(({ kind }) => kind)).to.deep.equal(['restoreNode']);
    expect(steps).to.have.length(1);
  });

  const reboot = {
    attemptID: ID,
    fromBootID: 'boot-1-of-n1',
    nodeRebootUID: 'nrb-of-n1',
    delaySeconds: 0,
    timeoutSeconds: 1,
    baseline: {},
  };
  const attempt = anAttempt('n1');
  const asks: Record<string, Partial<NodeRebootSpec>> = {
    'an attempt': { attempt },
    'a question to the agent': { prepare: { attemptID: ID } },
    'a request': { reboot },
    'a request that was not accepted': { attempt, reboot },
  };
  for (const [what, spec] of Object.entries(asks)) {
    it(`withdraws ${what} of a node that has no slot, before the node is put back`, () => {
      const given = { nodes: [cordoned(), SPARE], nodeReboots: [aNodeReboot('n1', spec)] };
      expect(writes(given)).to.deep.equal(['clearAttempt']);
    });
  }

  const accepted = (spec: Partial<NodeRebootSpec> = {}, id = ID): Given => ({
    nodes: [cordoned(), SPARE],
    nodeReboots: [aNodeReboot('n1', { attempt, reboot, ...spec }, { agent: { accepted: id } })],
  });

  it('gives a reboot that was accepted its slot back, since it will happen', () => {
    const { plan } = decideOn(accepted());
    expect(plan.steps).to.deep.equal([]);
    expect(plan.lockEdits).to.deep.equal([{ kind: 'take', slot: aSlot('n1', { requested: 'nrb-of-n1' }) }]);
  });

  it('does not do so for another attempt, another request or another node', () => {
    expect(writes(accepted({}, 'other'))).to.deep.equal(['clearAttempt']);
    expect(writes(accepted({ reboot: { ...reboot, attemptID: 'other' } }))).to.deep.equal(['clearAttempt']);
    expect(writes(accepted({ nodeUID: 'uid-of-earlier' }))).to.deep.equal(['clearAttempt']);
  });

  it('does one thing to a node at a time', () => {
    const untidy = [
      { nodes: [cordoned(), SPARE], nodeReboots: [aNodeReboot('n1', { attempt, nodeUID: 'uid-of-earlier' })] },
      { nodes: [cordoned(), SPARE], policies: [] },
      { nodes: [cordoned({ labels: {} }), SPARE], policies: [aPolicy()], nodeReboots },
    ];
    for (const given of untidy) expect(writes(given)).to.have.length(1);
  });
});
