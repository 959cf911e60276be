import { expect } from 'chai';
import type { Pod } from '../../src/api/objects.ts';
import { type DrainContext, judgePod } from '../../src/core/attempt/drain.ts';
import type { DrainRules } from '../../src/core/policy/rules.ts';
import { Timers } from '../../src/core/timers.ts';
import { aDrain, aPod } from '../support/cluster.ts';

const daemonSets = new Map([['default/logs', { uid: 'uid-of-logs', rebooter: '' }]]);
const ofDaemonSet = (name: string, uid: string): Partial<Pod['metadata']> => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid, controller: true }],
});
const orphan = aPod('p', { metadata: ofDaemonSet('logs', 'uid-of-an-earlier-one') });
const terminating = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: '2026-11-02T12:00:00Z' },
});

const verdictOf = (pod: Pod, rules: Partial<DrainRules> = {}, changes: Partial<DrainContext> = {}) => {
  const verdict = judgePod(pod, aDrain(rules, { daemonSets, ...changes }));
  return 'why' in verdict && verdict.action === 'leave' ? `leave ${verdict.why}` : verdict.action;
};

describe('the pods of a DaemonSet that is gone', () => {
  it('are told from those of one that was made anew under its name', () => {
    expect(verdictOf(aPod('p', { metadata: ofDaemonSet('logs', 'uid-of-logs') }))).to.equal('leave daemonSet');
    expect(verdictOf(orphan)).to.equal('refuse');
  });

  it('are refused with the setting that would evict them, and evicted under it', () => {
    const [pod] = [aPod('p', { metadata: ofDaemonSet('gone', 'x') })];
    const verdict = judgePod(pod, aDrain({}, { daemonSets }));
    expect(verdict).to.deep.equal({
      action: 'refuse',
      why: 'belongs to the DaemonSet gone, which is gone (drain.force evicts it)',
    });
    expect(verdictOf(pod, { force: true })).to.equal('evict');
  });

  it('are awaited where they are going already, as when the DaemonSet was deleted a moment ago', () => {
    expect(verdictOf(terminating(orphan))).to.equal('await');
  });
});

describe('drain.podSelector', () => {
  const podSelector = { matchExpressions: [{ key: 'app', operator: 'In' as const, values: ['web'] }] };
  const labelled = (app: string, pod = aPod('p')): Pod => ({ ...pod, metadata: { ...pod.metadata, labels: { app } } });

  it('moves the pods that it selects, and no others', () => {
    expect(verdictOf(labelled('web'), { podSelector })).to.equal('evict');
    expect(verdictOf(labelled('db'), { podSelector })).to.equal('leave notSelected');
    expect(verdictOf(aPod('p'), { podSelector }), 'without labels').to.equal('leave notSelected');
  });

  it('keeps nothing from being drained that it does not select: bare pods, data, pods of DaemonSets that are gone', () => {
    const bare = aPod('p', { metadata: { ownerReferences: [] } });
    const data = aPod('p', { spec: { volumes: [{ name: 'x', emptyDir: {} }] } });
    for (const pod of [bare, data, orphan, terminating(bare)])
      expect(verdictOf(labelled('db', pod), { podSelector, deleteEmptyDirData: false })).to.equal('leave notSelected');
    expect(verdictOf(labelled('web', bare), { podSelector }), 'one that it selects').to.equal('refuse');
  });
});

describe('drain.skipWaitForDeleteTimeout', () => {
  const at = (started: number | undefined, skipWaitMs: number) => {
    const timers = new Timers(new Map(started === undefined ? [] : [['terminating/uid-of-p', started]]), 100_000);
    return { verdict: verdictOf(terminating(aPod('p')), { skipWaitMs }, { timers }), timers };
  };

  it('goes on without a pod that has been terminating for as long before our eyes, whatever its timestamp says', () => {
    expect(at(undefined, 60_000).verdict).to.equal('await');
    expect(at(40_001, 60_000).verdict).to.equal('await');
    expect(at(40_000, 60_000).verdict).to.equal('leave stuck');
  });

  it('asks for a decision when the time will have passed', () => {
    expect(at(90_000, 60_000).timers.nextWake).to.equal(50_000);
  });

  it('waits without end at 0s, and starts no timer', () => {
    const { verdict, timers } = at(0, 0);
    expect(verdict).to.equal('await');
    expect([...timers.running]).to.deep.equal([]);
  });
});

describe("the active controller's pod", () => {
  const own = { namespace: 'drydock', pod: 'drydock-1', node: 'n1' };
  const pod = (name: string, namespace: string) => aPod(name, { metadata: { namespace } });

  it('is spared where the policy allows the last node to go, and nothing beside it', () => {
    expect(verdictOf(pod('drydock-1', 'drydock'), {}, { spared: own })).to.equal('leave controller');
    expect(verdictOf(pod('drydock-1', 'default'), {}, { spared: own })).to.equal('evict');
    expect(verdictOf(pod('drydock-2', 'drydock'), {}, { spared: own })).to.equal('evict');
    expect(verdictOf(pod('drydock-1', 'drydock'))).to.equal('evict');
  });
});
