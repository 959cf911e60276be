import { expect } from 'chai';
import fc from 'fast-check';
import type { Pod } from '../../src/api/objects.ts';
import { isDoubtful } from '../../src/core/attempt/preflight.ts';
import type { EvictionOutcome, PodBudget } from '../../src/core/model.ts';
import { type Flight, ID, inFlight, running, theStep } from '../support/attempt.ts';
import { aPod, decideOn, writesOf } from '../support/cluster.ts';

const labelled = (name: string, labels: Record<string, string>): Pod => aPod(name, { metadata: { labels } });
const budget = (disruptionsAllowed: number, selector: PodBudget['selector'] = {}): PodBudget => ({
  namespace: 'default',
  selector,
  disruptionsAllowed,
});
const NONE: EvictionOutcome = {
  kind: 'budget',
  message: 'PodDisruptionBudget web allows no disruption now',
  retryAfterMs: 0,
};

/** Before the cordon. */
const preparing = (
  budgets: readonly PodBudget[] | null,
  tried: Record<string, EvictionOutcome> = {},
  flight: Flight = {},
) =>
  inFlight({
    node: {},
    pods: [aPod('web-1'), aPod('web-2')],
    answers: { budgets, dryRuns: new Map(Object.entries(tried).map(([name, said]) => [`uid-of-${name}`, said])) },
    ...flight,
  });

describe('before the cordon', () => {
  it('PodDisruptionBudgets are read, and nothing is tried out where each has one to give', () => {
    const first = decideOn(preparing(null)).plan;
    expect([writesOf(first), first.asks]).to.deep.equal([[], [{ kind: 'budgets' }]]);
    expect(writesOf(decideOn(preparing([budget(1)])).plan)).to.deep.equal(['cordon']);
  });

  it('only the pods whose budgets would refuse them are tried out', () => {
    const pods = [labelled('web-1', { app: 'web' }), labelled('db-1', { app: 'db' })];
    const budgets = [budget(0, { matchLabels: { app: 'db' } })];
    const { plan } = decideOn(preparing(budgets, {}, { pods }));
    expect(writesOf(plan)).to.deep.equal([]);
    expect(plan.asks).to.deep.equal([{ kind: 'dryRun', node: 'n1', pods: [pods[1]] }]);
    expect(plan.inFlight.get('n1')?.phase).to.equal('Preparing');
  });

  it('the attempt is given up where the API server says that a budget has none to give', () => {
    const { plan } = decideOn(preparing([budget(0)], { 'web-1': NONE, 'web-2': { kind: 'granted' } }));
    expect(theStep(plan.steps, 'endAttempt')).to.include({
      code: 'DrainWouldBlock',
      message:
        'The node was not cordoned, since pods on it cannot be evicted now: default/web-1: PodDisruptionBudget web allows no disruption now',
    });
  });

  it('it is given up where two budgets select one pod, which only a person can mend', () => {
    const tried = { 'web-1': { kind: 'manyBudgets' as const }, 'web-2': { kind: 'granted' as const } };
    const { plan } = decideOn(preparing([budget(1), budget(1)], tried));
    const { code, message } = theStep(plan.steps, 'endAttempt');
    expect(code).to.equal('DrainWouldBlock');
    expect(message).to.contain('default/web-1: more than one PodDisruptionBudget selects it');
  });

  it('the API server has the last word: a pod that is not healthy may go although its budget has none to give', () => {
    const granted = { 'web-1': { kind: 'granted' as const }, 'web-2': { kind: 'granted' as const } };
    expect(writesOf(decideOn(preparing([budget(0)], granted)).plan)).to.deep.equal(['cordon']);
  });

  it('a dry run that could not be answered is made again in a moment, and nothing is cordoned meanwhile', () => {
    for (const outcome of [
      { kind: 'error' as const, message: 'webhook is down' },
      { kind: 'throttled' as const, retryAfterMs: 1 },
    ]) {
      const tried: Record<string, EvictionOutcome> = { 'web-1': outcome, 'web-2': { kind: 'granted' } };
      const { plan, timers } = decideOn(preparing([budget(0)], tried));
      expect(writesOf(plan)).to.deep.equal([]);
      expect(plan.inFlight.get('n1')?.verdict.code).to.equal('Preflight');
      expect(timers.nextWake).to.equal(2_000);
    }
  });

  it('at most twenty evictions are tried out', () => {
    const pods = Array.from({ length: 30 }, (_, index) => aPod(`p${index}`));
    const [ask] = decideOn(preparing([budget(0)], {}, { pods })).plan.asks;
    expect(ask?.kind === 'dryRun' && ask.pods).to.have.length(20);
  });

  for (const onTimeout of ['Delete', 'Reboot'] as const) {
    it(`budgets are not asked under onTimeout: ${onTimeout}, which goes on past them`, () => {
      const spec = { drain: { onTimeout } };
      expect(writesOf(decideOn(preparing(null, {}, { spec })).plan)).to.deep.equal(['cordon']);
    });
  }

  it('budgets are not read for a node without pods to move', () => {
    expect(writesOf(decideOn(preparing(null, {}, { pods: [] })).plan)).to.deep.equal(['cordon']);
  });

  it('the attempt is given up when pods or budgets cannot be read for a minute', () => {
    const timers = running(`preflight/${ID}`, 60);
    const unread = { pods: new Map(), budgets: [] };
    for (const given of [preparing(null, {}, { timers }), { ...preparing(null, {}, { timers }), answers: unread }]) {
      const { plan } = decideOn(given);
      expect(theStep(plan.steps, 'endAttempt').code).to.equal('NotReadable');
      expect(writesOf(plan)).to.deep.equal(['endAttempt']);
    }
  });

  it('nothing is tried out on a node that is cordoned already: then the drain itself finds out', () => {
    const foreign = { unschedulable: true, unschedulableManagers: ['kubectl-cordon'] };
    expect(writesOf(decideOn(preparing(null, {}, { node: foreign })).plan)).to.deep.equal(['evict']);
  });
});

describe('the arithmetic of PodDisruptionBudgets', () => {
  /**
   * What the API server's eviction handler does (pkg/registry/core/pod/storage/eviction.go), counted pod by pod and
   * written apart: pending and terminating pods ignore budgets; more than one budget is refused; one needs a disruption.
   */
  function wouldPass({ metadata, status }: Pod, budgets: readonly PodBudget[]): boolean {
    if (status?.phase === 'Pending' || metadata.deletionTimestamp !== undefined) return true;
    const app = metadata.labels?.app;
    const its = budgets
      .filter(({ namespace }) => namespace === 'default')
      .filter(({ selector }) => selector !== null && (selector.matchLabels ?? { app }).app === app);
    if (its.length === 0) return true;
    return its.length === 1 && (its[0]?.disruptionsAllowed ?? 0) > 0;
  }

  const app = fc.constantFrom('a', 'b');
  const selectors = fc.oneof(
    fc.constant(null),
    fc.constant({}),
    app.map((value) => ({ matchLabels: { app: value } })),
  );
  const budgets = fc.array(
    fc.record({
      namespace: fc.constantFrom('default', 'other'),
      name: fc.constant('x'),
      selector: selectors,
      disruptionsAllowed: fc.integer({ min: -1, max: 2 }),
    }),
    { maxLength: 4 },
  );
  const pods = fc.record({
    app,
    phase: fc.constantFrom('Running', 'Running', 'Pending', 'Unknown'),
    going: fc.boolean(),
  });

  it('doubts exactly the pods that the API server would refuse, by an oracle written apart', () => {
    const seen = { doubtful: 0, fine: 0 };
    const property = fc.property(pods, budgets, (one, list) => {
      const deletion = one.going ? { deletionTimestamp: '2026-11-02T12:00:00Z' } : {};
      const pod = aPod('p', { metadata: { labels: { app: one.app }, ...deletion }, status: { phase: one.phase } });
      expect(isDoubtful(pod, list)).to.equal(!wouldPass(pod, list));
      seen[isDoubtful(pod, list) ? 'doubtful' : 'fine'] += 1;
    });
    fc.assert(property, { numRuns: 500 });
    expect(Math.min(seen.doubtful, seen.fine), 'both have come up').to.be.above(30);
  });
});
