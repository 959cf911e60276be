import { expect } from 'chai';
import { POLICY_FINALIZER } from '../../src/api/names.ts';
import type { RebootPolicy } from '../../src/core/model.ts';
import { aRequest, ID } from '../support/attempt.ts';
import { settled } from '../support/clock.ts';
import { aNode, aNodeReboot, anAttempt, aPolicy, aSlot, cordonedFor, required } from '../support/cluster.ts';
import { refusal } from './doubles.ts';
import { LoopBed } from './loopBed.ts';

const SPARE = aNode('spare', { labels: {} });
const gated = (url: string) => ({ prometheus: { url } });

function guarded(policy: RebootPolicy): RebootPolicy {
  return { ...policy, metadata: { ...policy.metadata, finalizers: [POLICY_FINALIZER] } };
}

describe('one cycle of the control loop', () => {
  let bed: LoopBed;
  beforeEach(() => {
    bed = new LoopBed();
    bed.caches.epoch = 4;
  });
  afterEach(() => bed.stop.abort());
  /** Leads with the lock claimed already, as the cache then says. */
  const lead = async () => {
    bed.caches.epoch = 3;
    const state = await bed.lead();
    bed.caches.epoch = 4;
    bed.wakeup.poke();
    await settled();
    return state;
  };

  it('reads all that a hand-over needs, also beside a policy whose gate is closed', async () => {
    const labels = { role: 'infra' };
    bed.self = { node: 'own', namespace: 'drydock', pod: 'drydock-1' };
    bed.replicas = [{ pod: 'drydock-2', node: 'spare', ready: true }];
    bed.askGates = ({ prometheus }) =>
      prometheus?.url === 'http://closed' ? { code: 'ActiveAlerts', message: 'm' } : null;
    bed.caches.nodeViews = [aNode('own'), aNode('other', { labels }), SPARE];
    bed.caches.nodeRebootViews = ['own', 'other'].map((name) => aNodeReboot(name, {}, { agent: required() }));
    bed.caches.policyViews = [
      aPolicy({ gates: gated('http://open') }),
      aPolicy({ gates: gated('http://closed'), nodeSelector: { matchLabels: labels } }, 'infra'),
    ];
    const { ended } = await lead();
    expect(ended).to.equal(true);
    expect([bed.leadership.handedOver, bed.effects.done]).to.deep.equal([1, ['lock']]);
    expect(bed.log.lines.at(-1)).to.deep.include({ fields: { to: 'drydock-2' } });
  });

  it('watches the pods of a Failed node on: it may be waiting for its DaemonSets', async () => {
    const failure = { code: 'NotVerified', message: 'm', at: '2026-11-02T11:59:00Z' };
    const attempt = anAttempt('n1', {}, { epoch: 4, failure });
    const agent = { ...required(), bootID: 'boot-2-of-n1', accepted: ID };
    bed.caches.daemonSetViews = { 'default/cni': { uid: 'u', rebooter: '' } };
    bed.caches.nodeViews = [aNode('n1', { ...cordonedFor(ID, 4), bootID: 'boot-2-of-n1' }), SPARE];
    const reboot = aRequest({ daemonSetPods: ['default/cni'] });
    bed.caches.nodeRebootViews = [aNodeReboot('n1', { attempt, reboot }, { agent })];
    bed.caches.policyViews = [guarded(aPolicy({ failure: { maxFailed: 9 } }))];
    bed.caches.slots = [aSlot('n1', { requested: 'nrb-of-n1' })];
    bed.caches.pods.set('n1', []);
    await lead();
    await bed.clock.advance(31_000);
    expect([...bed.caches.kept]).to.deep.equal(['n1']);
  });
});

describe('a lock whose write was not answered', () => {
  let bed: LoopBed;
  beforeEach(async () => {
    bed = new LoopBed();
    await bed.lead();
    bed.caches.epoch = 4;
    bed.effects.done.length = 0;
  });
  afterEach(() => bed.stop.abort());
  const again = async (ms: number) => {
    bed.wakeup.poke();
    await bed.clock.advance(ms);
  };

  it('is read before anything is decided again', async () => {
    bed.effects.failures.set('lock', new Error('the connection was cut'));
    await again(0);
    expect(bed.caches.lockReads).to.equal(0);
    bed.effects.failures.clear();
    await again(1_000);
    expect(bed.caches.lockReads).to.equal(1);
    expect(bed.effects.done.slice(0, 2)).to.deep.equal(['lock', 'beginAttempt']);
    await again(1_000);
    expect(bed.caches.lockReads, 'once').to.equal(1);
  });

  it('keeps everything from being decided while it cannot be read', async () => {
    bed.effects.failures.set('lock', new Error('the connection was cut'));
    await again(0);
    bed.effects.failures.clear();
    bed.caches.lockFailure = new Error('no route to host');
    await again(60_000);
    expect(bed.effects.done).to.deep.equal([]);
    expect(bed.caches.lockReads).to.be.above(3);
    bed.caches.lockFailure = null;
    await again(31_000);
    expect(bed.effects.done.slice(0, 2)).to.deep.equal(['lock', 'beginAttempt']);
  });

  it('is in no doubt after a conflict, which says that nothing was written', async () => {
    bed.effects.failures.set('lock', refusal(409));
    await again(0);
    bed.effects.failures.clear();
    await again(1_000);
    expect(bed.caches.lockReads).to.equal(0);
    expect(bed.effects.done).to.include('beginAttempt');
  });
});
