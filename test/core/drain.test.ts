import { expect } from 'chai';
import type { Pod } from '../../src/api/objects.ts';
import { drainState, judgePod } from '../../src/core/attempt/drain.ts';
import type { EvictionRecord } from '../../src/core/model.ts';
import type { DrainRules } from '../../src/core/policy/rules.ts';
import { aDrain, aPod } from '../support/cluster.ts';

const daemonSets = new Map([['default/o', { uid: 'u', rebooter: '' }]]);
const owner = (kind: string, controller = true) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'o', uid: 'u', controller }],
});
const orphan = aPod('p', {
  metadata: {
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'gone', uid: 'u', controller: true }],
  },
});
const bare = aPod('p', { metadata: { ownerReferences: [] } });
const withData = aPod('p', { spec: { volumes: [{ name: 'config' }, { name: 'scratch', emptyDir: {} }] } });
const terminating = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: '2026-11-02T12:00:00Z' },
});
const mirror = aPod('p', { metadata: { annotations: { 'kubernetes.io/config.mirror': '' }, ...owner('Node') } });
const finished = (phase: string) => aPod('p', { ...bare, metadata: bare.metadata, status: { phase } });

describe('a drain', () => {
  const verdicts: Record<string, [Pod, Partial<DrainRules>, string]> = {
    'evicts a pod of a controller': [aPod('p'), {}, 'evict'],
    'evicts a pod of a controller that it does not know': [aPod('p', { metadata: owner('Database') }), {}, 'evict'],
    'leaves mirror pods, which the kubelet runs from files': [mirror, {}, 'leave mirror'],
    'leaves pods of DaemonSets, which would come back': [
      aPod('p', { metadata: owner('DaemonSet') }),
      {},
      'leave daemonSet',
    ],
    'leaves terminating pods of DaemonSets': [
      terminating(aPod('p', { metadata: owner('DaemonSet') })),
      {},
      'leave daemonSet',
    ],
    'refuses pods whose DaemonSet is gone': [orphan, {}, 'refuse'],
    'evicts pods whose DaemonSet is gone if it is forced': [orphan, { force: true }, 'evict'],
    'awaits terminating pods whose DaemonSet is gone': [terminating(orphan), {}, 'await'],
    'leaves pods that have succeeded': [finished('Succeeded'), {}, 'leave finished'],
    'leaves pods that have failed': [finished('Failed'), {}, 'leave finished'],
    'awaits pods that are terminating': [terminating(aPod('p')), {}, 'await'],
    'awaits terminating pods that it would not have evicted': [terminating(bare), {}, 'await'],
    'refuses pods that nobody would make again': [bare, {}, 'refuse'],
    'refuses pods whose owner does not control them': [
      aPod('p', { metadata: owner('ReplicaSet', false) }),
      {},
      'refuse',
    ],
    'evicts pods that nobody would make again if it is forced': [bare, { force: true }, 'evict'],
    'evicts pods with data in an emptyDir, as is the default': [withData, {}, 'evict'],
    'refuses pods with data in an emptyDir if the policy keeps it': [withData, { deleteEmptyDirData: false }, 'refuse'],
    'evicts pods whose phase is not known': [aPod('p', { status: { phase: 'Unknown' } }), {}, 'evict'],
  };
  for (const [what, [pod, rules, expected]] of Object.entries(verdicts)) {
    it(what, () => {
      const verdict = judgePod(pod, aDrain(rules, { daemonSets }));
      const short = verdict.action === 'leave' ? `leave ${verdict.why}` : verdict.action;
      expect(short).to.equal(expected);
    });
  }

  it('says what it refuses and which setting would allow it', () => {
    const state = drainState([bare, withData], aDrain({ deleteEmptyDirData: false }), new Map(), 0);
    expect(state.refused).to.deep.equal([
      'default/p has no controller that would make it again (drain.force evicts it)',
      'default/p keeps data in the emptyDir scratch (drain.deleteEmptyDirData evicts it)',
    ]);
  });

  const stateOf = (pods: Pod[], records: Record<string, EvictionRecord> = {}, mono = 100) =>
    drainState(
      pods,
      aDrain({}, { daemonSets }),
      new Map(Object.entries(records).map(([name, record]) => [`uid-of-${name}`, record])),
      mono,
    );
  const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);
  const refusal = 'PodDisruptionBudget web allows no disruption now';
  const kind = 'evict' as const;

  it('is done when nothing is left but what it leaves', () => {
    expect(stateOf([mirror, finished('Succeeded'), aPod('d', { metadata: owner('DaemonSet') })])).to.deep.equal({
      left: [],
      toEvict: [],
      refused: [],
      evictNow: [],
      waitingFor: [],
      nextEviction: Number.POSITIVE_INFINITY,
    });
  });

  it('waits for pods that are terminating, and evicts them no more', () => {
    const state = stateOf([terminating(aPod('a')), aPod('b')]);
    expect([names(state.left), names(state.evictNow)]).to.deep.equal([['a', 'b'], ['b']]);
  });

  it('asks again only when it is time, and says what it waits for meanwhile', () => {
    const records = {
      a: { kind, tries: 1, notBefore: 101, refusal },
      b: { kind, tries: 1, notBefore: 100, refusal: '' },
      c: { kind, tries: 1, notBefore: 500, refusal: '' },
    };
    const state = stateOf([aPod('a'), aPod('b'), aPod('c')], records);
    expect(names(state.left)).to.deep.equal(['a', 'b', 'c']);
    expect(names(state.evictNow)).to.deep.equal(['b']);
    expect(state.nextEviction).to.equal(101);
    expect(state.waitingFor).to.deep.equal([`default/a: ${refusal}`]);
  });

  it('knows a pod that was made anew under its name from the one that it has evicted', () => {
    const anew = aPod('a', { metadata: { uid: 'another' } });
    expect(names(stateOf([anew], { a: { kind, tries: 1, notBefore: 900, refusal } }).evictNow)).to.deep.equal(['a']);
  });

  it('evicts twenty pods at a time', () => {
    const pods = Array.from({ length: 50 }, (_, index) => aPod(`p${index}`));
    expect(stateOf(pods).evictNow).to.have.length(20);
  });
});
