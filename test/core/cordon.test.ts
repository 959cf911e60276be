import { expect } from 'chai';
import { cordonOf, isMarked, nodeEpoch } from '../../src/core/attempt/cordon.ts';
import { aNode, cordonedFor } from '../support/cluster.ts';

describe('a cordon', () => {
  const of = (changes: Parameters<typeof aNode>[1]) => cordonOf(aNode('n1', changes));
  const marked = cordonedFor('a1');

  it('is none on a schedulable node without a mark', () => {
    expect(of({})).to.deep.equal({ whose: 'none' });
  });

  it('is ours where the mark names the attempt and we alone own it', () => {
    expect(of(marked)).to.deep.equal({ whose: 'ours', attemptID: 'a1' });
  });

  it('is foreign without a mark, also one that our field manager owns', () => {
    expect(of({ unschedulable: true, unschedulableManagers: ['kubectl-cordon'] }).whose).to.equal('foreign');
    expect(of({ unschedulable: true, unschedulableManagers: ['drydock-controller'] }).whose).to.equal('foreign');
  });

  it('is lifted where the mark is left on a schedulable node', () => {
    expect(of({ ...marked, unschedulable: false })).to.deep.equal({ whose: 'lifted', attemptID: 'a1' });
  });

  for (const managers of [[], ['kubectl-cordon'], ['drydock-controller', 'kubectl-cordon'], ['drydock']]) {
    it(`is taken where ${managers.join(' and ') || 'nobody'} owns it`, () => {
      expect(of({ ...marked, unschedulableManagers: managers }).whose).to.equal('taken');
    });
  }

  it('leaves a mark by either of its annotations', () => {
    expect(isMarked(aNode('n1', marked))).to.equal(true);
    expect(isMarked(aNode('n1', { annotations: { 'drydock.dev/epoch': '1' } }))).to.equal(true);
    expect(isMarked(aNode('n1', { annotations: { 'drydock.dev/cordon': '' } }))).to.equal(true);
    expect(isMarked(aNode('n1', { annotations: { 'drydock.dev/pause': 'x' }, unschedulable: true }))).to.equal(false);
  });

  it('names the leadership that wrote it', () => {
    expect(nodeEpoch(aNode('n1', cordonedFor('a', 17)))).to.equal(17);
    expect(nodeEpoch(aNode('n1'))).to.equal(0);
  });
});
