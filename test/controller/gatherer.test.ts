import { expect } from 'chai';
import type { Caches } from '../../src/controller/caches.ts';
import { GateKeeper } from '../../src/controller/gateKeeper.ts';
import { Gatherer } from '../../src/controller/gatherer.ts';
import type { Ask } from '../../src/core/model.ts';
import { FakeClock } from '../support/clock.ts';
import { aNode, aPod } from '../support/cluster.ts';
import { CachesDouble } from './loopBed.ts';

describe('the gatherer', () => {
  const setUp = () => {
    const caches = new CachesDouble();
    const clock = new FakeClock();
    const errors: unknown[] = [];
    const listed = [aNode('n1')];
    const gatherer = new Gatherer({
      caches: caches as unknown as Caches,
      reads: {
        nodes: async () => listed,
        node: async (name) => listed.find((node) => node.name === name),
        pods: async () => [aPod('late')],
        leaseRenewTime: async () => 'x',
        replicas: async () => {
          throw new Error('no route to host');
        },
        budgets: async () => [],
        tryEviction: async ({ metadata }) => ({ kind: 'error', message: metadata.name }),
      },
      gates: new GateKeeper(
        async () => null,
        clock,
        () => undefined,
      ),
      clock,
      random: () => 0.5,
      namespace: 'drydock',
      maxDisrupted: 1,
      self: null,
      newAttemptID: () => 'attempt-new',
      onError: (error) => errors.push(error),
    });
    /** Answers asks round by round. */
    const answered = async (...rounds: Ask[][]) => {
      let snapshot = gatherer.snapshot(
        { epoch: 1, inherited: new Set() },
        { evictions: new Map(), restored: new Set() },
      );
      for (const asks of rounds) snapshot = await gatherer.answer(snapshot, asks);
      return snapshot;
    };
    return { caches, errors, answered };
  };
  const LATER: Ask[] = [{ kind: 'lease', node: 'n1' }];

  it('keeps pods that were read anew over what a watch says in later rounds', async () => {
    const { caches, answered } = setUp();
    caches.pods.set('n1', []);
    const { answers } = await answered([{ kind: 'pods', node: 'n1', fresh: true }], LATER);
    expect([...answers.podsFresh]).to.deep.equal(['n1']);
    expect(answers.pods.get('n1')?.map(({ metadata }) => metadata.name)).to.deep.equal(['late']);
  });

  it('takes in what the watch says of pods that nobody has read anew', async () => {
    const { caches, answered } = setUp();
    const asks: Ask[] = [{ kind: 'pods', node: 'n1', fresh: false }];
    caches.pods.set('n1', [aPod('watched')]);
    const { answers } = await answered(asks, LATER);
    expect([[...answers.podsFresh], caches.watched]).to.deep.equal([[], ['n1']]);
    expect(answers.pods.get('n1')?.map(({ metadata }) => metadata.name)).to.deep.equal(['watched']);
  });

  for (const [what, asks] of [
    ['all nodes', [{ kind: 'nodes' }]],
    ['the node', [{ kind: 'node', node: 'spare' }]],
  ] as [string, Ask[]][]) {
    it(`knows of a node that it is gone once ${what} have been read, in all later rounds`, async () => {
      const { answered } = setUp();
      expect((await answered()).nodes.has('spare'), 'the cache is behind').to.equal(true);
      const { nodes } = await answered(asks, LATER);
      expect([...nodes.keys()]).to.deep.equal(['n1']);
    });
  }

  it('leaves unanswered what cannot be read, and answers the rest', async () => {
    const { errors, answered } = setUp();
    const pods = [aPod('a'), aPod('b')];
    const { answers } = await answered([
      { kind: 'replicas' },
      { kind: 'budgets' },
      { kind: 'dryRun', node: 'n1', pods },
    ]);
    expect([answers.replicas, answers.budgets, errors.length]).to.deep.equal([null, [], 1]);
    expect([...answers.dryRuns.keys()]).to.deep.equal(['uid-of-a', 'uid-of-b']);
  });

  it('keeps answers of all kinds from round to round', async () => {
    const { answered } = setUp();
    const { answers } = await answered([{ kind: 'budgets' }, { kind: 'people' }, ...LATER], [{ kind: 'nodes' }]);
    expect(answers).to.deep.include({ budgets: [], peopleFresh: true, nodesFresh: true });
    expect(answers.leases.get('n1')).to.equal('x');
  });
});
