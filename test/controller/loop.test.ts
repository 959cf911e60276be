import { expect } from 'chai';
import { POLICY_FINALIZER } from '../../src/api/names.ts';
import { Actor } from '../../src/controller/actor.ts';
import type { Caches } from '../../src/controller/caches.ts';
import { GateKeeper } from '../../src/controller/gateKeeper.ts';
import { Gatherer } from '../../src/controller/gatherer.ts';
import { ControlLoop, type Leadership } from '../../src/controller/loop.ts';
import { StatusWriter } from '../../src/controller/statusWriter.ts';
import { lockAnnotations } from '../../src/core/lock/lock.ts';
import type { NodeReboot, NodeView, RebootPolicy, Slot } from '../../src/core/model.ts';
import { Wakeup } from '../../src/platform/wakeup.ts';
import { ControllerMetrics } from '../../src/telemetry/metrics.ts';
import { FakeClock, settled } from '../support/clock.ts';
import { aNode, aNodeReboot, anAttempt, aPolicy, aSlot, cordonedFor, required } from '../support/cluster.ts';
import { MemoryLog } from '../support/log.ts';
import { EffectsDouble, refusal } from './doubles.ts';

/** The caches as the loop and the gatherer use them, without watches. */
class CachesDouble {
  nodeViews: NodeView[] = [aNode('n1'), aNode('spare', { labels: {} })];
  nodeRebootViews: NodeReboot[] = [aNodeReboot('n1', {}, { agent: required() })];
  policyViews: RebootPolicy[] = [aPolicy()];
  slots: Slot[] = [];
  epoch = 3;
  kept: ReadonlySet<string> = new Set();
  refreshed = 0;
  lockReads = 0;
  readonly watched: string[] = [];

  readonly nodes = { views: () => new Map(this.nodeViews.map((node) => [node.name, node])) };
  readonly nodeReboots = { views: () => new Map(this.nodeRebootViews.map((object) => [object.metadata.name, object])) };
  readonly policies = { views: () => new Map(this.policyViews.map((object) => [object.metadata.name, object])) };
  readonly daemonSets = { views: () => new Map() };
  readonly locks = {
    views: () => new Map(),
    get: () => ({ metadata: { ...META, annotations: lockAnnotations(this.epoch, this.slots) } }),
  };
  readonly namespaces = { get: () => ({ metadata: META }) };
  watchedPods() {
    return new Map();
  }
  watchPods(node: string) {
    this.watched.push(node);
  }
  async refresh() {
    this.refreshed += 1;
  }
  async refreshPeople() {}
  async refreshLock() {
    this.lockReads += 1;
  }
  keepPodsOf(nodes: ReadonlySet<string>) {
    this.kept = nodes;
  }
}
const META = { name: 'x', uid: 'x', resourceVersion: '50', creationTimestamp: '' };

describe('the control loop', () => {
  let caches: CachesDouble;
  let effects: EffectsDouble;
  let clock: FakeClock;
  let log: MemoryLog;
  let metrics: ControllerMetrics;
  let stop: AbortController;
  let wakeup: Wakeup;
  let leadership: Leadership & { leads: boolean; proofs: number; proven: boolean };
  let readFails: boolean;
  let reads: string[];
  beforeEach(() => {
    caches = new CachesDouble();
    effects = new EffectsDouble();
    clock = new FakeClock();
    log = new MemoryLog();
    metrics = new ControllerMetrics();
    stop = new AbortController();
    wakeup = new Wakeup(clock);
    readFails = false;
    reads = [];
    leadership = {
      leads: true,
      proofs: 0,
      proven: true,
      async prove() {
        this.proofs += 1;
        if (!this.proven) this.leads = false;
        return this.proven;
      },
      resign() {
        this.leads = false;
      },
      async handOver() {
        this.leads = false;
      },
    };
  });
  afterEach(() => stop.abort());

  async function lead() {
    const read = async <T>(what: string, value: T): Promise<T> => {
      reads.push(what);
      if (readFails) throw new Error('no route to host');
      return value;
    };
    const random = () => 0.5;
    const gatherer = new Gatherer({
      caches: caches as unknown as Caches,
      reads: {
        nodes: () => read('nodes', caches.nodeViews),
        node: (name) =>
          read(
            'node',
            caches.nodeViews.find((node) => node.name === name),
          ),
        pods: () => read('pods', []),
        leaseRenewTime: () => read('lease', 'x'),
        replicas: () => read('replicas', []),
        budgets: () => read('budgets', []),
        tryEviction: () => read('tryEviction', { kind: 'granted' }),
      },
      gates: new GateKeeper(
        async () => null,
        clock,
        () => undefined,
      ),
      clock,
      random,
      namespace: 'drydock',
      maxDisrupted: 1,
      self: null,
      newAttemptID: () => 'attempt-new',
      onError: (error) => log.warn('a read failed', { error }),
    });
    const statuses = new StatusWriter(effects, clock, () => undefined);
    const actor = new Actor({ effects, clock, random, log, metrics });
    const all = { caches: caches as unknown as Caches, gatherer, actor, statuses, leadership, wakeup, clock, random };
    const loop = new ControlLoop({ ...all, log, metrics });
    const state = { ended: false, loop };
    void loop.lead(stop.signal).then(() => {
      state.ended = true;
    });
    await settled();
    return state;
  }

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
    expect(reads, 'all nodes were read past the cache').to.include('nodes');
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
    readFails = true;
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
