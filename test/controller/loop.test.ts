import { expect } from 'chai';
import { POLICY_FINALIZER } from '../../src/api/names.ts';
import { settled } from '../support/clock.ts';
import { aNode, aNodeReboot, anAttempt, aSlot, cordonedFor, required } from '../support/cluster.ts';
import { refusal } from './doubles.ts';
import { LoopBed } from './loopBed.ts';

describe('the control loop', () => {
  let bed: LoopBed;
  let caches: LoopBed['caches'];
  let effects: LoopBed['effects'];
  let clock: LoopBed['clock'];
  let log: LoopBed['log'];
  let metrics: LoopBed['metrics'];
  let stop: LoopBed['stop'];
  let wakeup: LoopBed['wakeup'];
  let leadership: LoopBed['leadership'];
  beforeEach(() => {
    bed = new LoopBed();
    ({ caches, effects, clock, log, metrics, stop, wakeup, leadership } = bed);
  });
  afterEach(() => stop.abort());
  const lead = () => bed.lead();

  it('claims the lock with a higher epoch, and does nothing before that', async () => {
    effects.failures.set('lock', refusal(500));
    await lead();
    expect(effects.done).to.deep.equal([]);
    effects.failures.clear();
    await clock.advance(200);
    expect(effects.locks[0]).to.deep.equal({ epoch: 4, slots: [], resourceVersion: '50' });
    expect(caches.refreshed, 'read anew before each try, and after the claim').to.equal(3);
  });

  it('acts under the epoch that it has claimed', async () => {
    await lead();
    caches.epoch = 4;
    wakeup.poke();
    await settled();
    expect(effects.done).to.include.members(['lock', 'beginAttempt']);
    expect(effects.locks.map(({ epoch }) => epoch).every((epoch) => epoch === 4)).to.equal(true);
    expect(bed.reads, 'all nodes were read past the cache').to.include('nodes');
  });

  it('is given up when it meets a higher epoch, and writes nothing', async () => {
    const state = await lead();
    const before = effects.done.length;
    caches.epoch = 9;
    wakeup.poke();
    await clock.advance(1_000);
    expect([state.ended, leadership.leads]).to.deep.equal([true, false]);
    expect(effects.done).to.have.length(before);
  });

  it('proves its leadership after a conflict before it decides again', async () => {
    effects.failures.set('lock', refusal(409));
    await lead();
    expect(leadership.proofs).to.equal(1);
    effects.failures.clear();
    await clock.advance(500);
    expect(effects.done).to.include('lock');
  });

  it('ends when its leadership could not be proven, without another effect', async () => {
    leadership.proven = false;
    effects.failures.set('lock', refusal(409));
    const state = await lead();
    effects.failures.clear();
    await clock.advance(60_000);
    expect(state.ended).to.equal(true);
    expect(effects.done).to.deep.equal([]);
  });

  it('survives a leadership that cannot be asked for', async () => {
    leadership.prove = async () => {
      throw new Error('no route to host');
    };
    effects.failures.set('lock', refusal(409));
    const state = await lead();
    expect(log.of('error')).to.deep.equal(['a cycle failed']);
    effects.failures.clear();
    await clock.advance(500);
    expect([state.ended, effects.done[0]]).to.deep.equal([false, 'lock']);
  });

  it('asks ever more seldom while its effects fail', async () => {
    effects.failures.set('lock', refusal(500));
    await lead();
    await clock.advance(120_000);
    const waits = clock.slept.filter((ms) => ms > 0);
    expect(waits.slice(0, 5)).to.deep.equal([100, 200, 400, 800, 1_600]);
    expect(Math.max(...waits)).to.equal(30_000);
  });

  it('goes on telling people while one step is refused again and again, and does not hammer the API server', async () => {
    caches.nodeViews = [...caches.nodeViews, aNode('n2')];
    caches.nodeRebootViews = [aNodeReboot('n1')];
    effects.failures.set('createNodeReboot', refusal(403));
    await lead();
    caches.epoch = 4;
    await clock.advance(60_000);
    expect(effects.done).to.include('status workers');
    expect(log.of('warn').length).to.be.within(5, 15);
  });

  it('starts nothing while what it asked for cannot be read', async () => {
    bed.readFails = true;
    await lead();
    caches.epoch = 4;
    await clock.advance(60_000);
    expect(effects.done.filter((what) => what === 'beginAttempt')).to.deep.equal([]);
    expect(log.of('warn')).to.include('a read failed');
  });

  it('watches pods only of nodes that are on their way to being drained', async () => {
    caches.nodeRebootViews = [aNodeReboot('n1')];
    await lead();
    caches.epoch = 4;
    const attempt = anAttempt('n1', {}, { epoch: 4 });
    const agent = { ...required(), prepared: { attemptID: attempt.id, able: true } };
    caches.nodeViews = [aNode('n1', cordonedFor(attempt.id, 4)), aNode('spare', { labels: {} })];
    caches.nodeRebootViews = [aNodeReboot('n1', { attempt, prepare: { attemptID: attempt.id } }, { agent })];
    caches.slots = [aSlot('n1')];
    const [policy] = caches.policyViews;
    if (policy === undefined) throw new Error('there is no policy');
    caches.policyViews = [{ ...policy, metadata: { ...policy.metadata, finalizers: [POLICY_FINALIZER] } }];
    await clock.advance(31_000);
    expect(caches.watched).to.include('n1');
    expect([...caches.kept]).to.deep.equal(['n1']);
    caches.slots = [];
    caches.policyViews = [policy];
    caches.nodeRebootViews = [aNodeReboot('n1')];
    caches.nodeViews = [aNode('n1'), aNode('spare', { labels: {} })];
    await clock.advance(31_000);
    expect([...caches.kept]).to.deep.equal([]);
  });

  it('says whether it leads, and comes round at least every half a minute', async () => {
    const { loop } = await lead();
    caches.epoch = 4;
    caches.nodeRebootViews = [aNodeReboot('n1')];
    expect(await metrics.registry.metrics()).to.match(/^drydock_leader 1$/m);
    const before = loop.lastCycle;
    await clock.advance(31_000);
    expect(loop.lastCycle).to.be.above(before);
    stop.abort();
    await settled();
    expect(await metrics.registry.metrics()).to.match(/^drydock_leader 0$/m);
  });
});
