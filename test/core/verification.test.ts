import { expect } from 'chai';
import type { Pod } from '../../src/api/objects.ts';
import { readyDaemonSets } from '../../src/core/attempt/verification.ts';
import { accepted, aRequest, type Flight, ID, inFlight, rebooted, running, theStep } from '../support/attempt.ts';
import { aNode, aPod, decideOn, type Given, writesOf } from '../support/cluster.ts';
import { SPARE } from '../support/fleet.ts';

const daemonPod = (daemonSet: string, ready = true, metadata: Partial<Pod['metadata']> = {}): Pod =>
  aPod(`${daemonSet}-x`, {
    metadata: {
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'DaemonSet', name: daemonSet, uid: `uid-of-${daemonSet}`, controller: true },
      ],
      ...metadata,
    },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
const daemonSets = {
  'default/cni': { uid: 'uid-of-cni', rebooter: '' },
  'default/logs': { uid: 'uid-of-logs', rebooter: '' },
};
const daemonSetPods = ['default/cni', 'default/logs'];

/** Rebooted and well, but for what a test says of its DaemonSets. */
const back = (pods: readonly Pod[], flight: Flight = {}) =>
  rebooted({ pods, daemonSets, asks: { reboot: aRequest({ daemonSetPods }) }, ...flight });
const verdictOf = (given: Given) => {
  const { plan } = decideOn(given);
  return { writes: writesOf(plan), ...plan.inFlight.get('n1') };
};

describe('the DaemonSets of a rebooted node', () => {
  it('are those that had a Ready pod on it when the reboot was requested', () => {
    const pods = [daemonPod('cni'), daemonPod('logs', false), aPod('web')];
    expect(readyDaemonSets([...pods, daemonPod('cni')])).to.deep.equal(['default/cni']);
    expect(readyDaemonSets([daemonPod('cni', true, { deletionTimestamp: '2026-11-02T12:00:00Z' })])).to.deep.equal([]);
    const { plan } = decideOn(inFlight({ pods: [daemonPod('logs'), daemonPod('cni')], daemonSets }));
    expect(theStep(plan.stepsAfterLock, 'request').request.baseline.daemonSetPods).to.deep.equal(daemonSetPods);
  });

  it('are not noted down where the policy does not ask for them, and not waited for', () => {
    const spec = { verification: { daemonSets: false } };
    const { plan } = decideOn(inFlight({ pods: [daemonPod('cni')], daemonSets, spec }));
    expect(theStep(plan.stepsAfterLock, 'request').request.baseline).not.to.have.property('daemonSetPods');
    expect(verdictOf(back([], { spec })).writes).to.deep.equal(['restoreNode']);
  });

  it('must each have a Ready pod again, and those that have not are named', () => {
    const { writes, phase, verdict } = verdictOf(back([daemonPod('cni'), daemonPod('logs', false)]));
    expect([writes, phase, verdict?.code]).to.deep.equal([[], 'Verifying', 'DaemonSetsNotReady']);
    expect(verdict?.message).to.match(/not yet: default\/logs\.$/);
    expect(verdictOf(back([daemonPod('cni'), daemonPod('logs')])).writes).to.deep.equal(['restoreNode']);
  });

  it('are not waited for when they are gone meanwhile', () => {
    const gone = { 'default/cni': daemonSets['default/cni'] };
    expect(verdictOf(back([daemonPod('cni')], { daemonSets: gone })).writes).to.deep.equal(['restoreNode']);
  });

  it('are looked for only when the pods of the node have been read', () => {
    const { leases } = back([]).answers ?? {};
    const { plan } = decideOn({ ...back([]), answers: { ...(leases && { leases }) } });
    expect(plan.inFlight.get('n1')?.verdict.code).to.equal('ReadingPods');
    expect(plan.asks).to.deep.equal([{ kind: 'pods', node: 'n1', fresh: false }]);
  });
});

describe('the soak', () => {
  const spec = { verification: { soak: '5m' } };
  const soaking = (seconds: number) => rebooted({ spec, timers: running(`soak/${ID}`, seconds) });

  it('has to pass before the node is handed back', () => {
    expect(verdictOf(rebooted({ spec }))).to.deep.include({ writes: [], phase: 'Verifying' });
    expect(verdictOf(soaking(299.999)).verdict?.code).to.equal('Soaking');
    expect(verdictOf(soaking(300)).writes).to.deep.equal(['restoreNode']);
  });

  it('begins anew when anything is missing meanwhile', () => {
    const { timers } = decideOn({
      ...soaking(299),
      nodes: [aNode('n1', { ...rebooted().nodes?.[0], ready: false }), SPARE],
    });
    expect([...timers.running.keys()]).not.to.include(`soak/${ID}`);
    const again = decideOn({ ...rebooted({ spec }), timers: timers.running, mono: 1_001_000 });
    expect(again.timers.running.get(`soak/${ID}`)).to.equal(1_001_000);
  });

  it('does not read the Lease again once it has been renewed', () => {
    const first = decideOn(rebooted({ spec }));
    const { plan } = decideOn({ ...rebooted({ spec }), answers: {}, timers: first.timers.running });
    expect([plan.asks, plan.inFlight.get('n1')?.verdict.code]).to.deep.equal([[], 'Soaking']);
  });

  it('may take longer than the node may take to be back: a node that is well does not fail', () => {
    const timers = new Map([...running(`soak/${ID}`, 200), ...running(`verify/${ID}`, 9_999)]);
    const short = { verification: { soak: '5m', readyTimeout: '1m' } };
    expect(verdictOf(rebooted({ spec: short, timers }))).to.deep.include({ writes: [], phase: 'Verifying' });
  });
});

describe('a node that comes and goes while it soaks', () => {
  it('is Failed when its time is over, or it would keep its slot for ever', () => {
    const spec = { verification: { soak: '5m' } };
    const flapping = (seconds: number) =>
      rebooted({ spec, node: { ready: false }, timers: running(`verify/${ID}`, seconds) });
    expect(verdictOf(flapping(899)).writes).to.deep.equal([]);
    expect(verdictOf(flapping(900)).writes).to.deep.equal(['failAttempt']);
    const soaking = rebooted({ spec, timers: running(`verify/${ID}`, 10) });
    expect([...decideOn(soaking).timers.running.keys()], 'the time runs on').to.include(`verify/${ID}`);
  });
});

describe('a node that is not verified in time', () => {
  const NOT_READY = { ready: false };
  const failure = { code: 'NotVerified', message: 'x', at: '2026-11-02T11:59:00Z' };
  const late = (flight: Flight = {}) => rebooted({ node: NOT_READY, timers: running(`verify/${ID}`, 600), ...flight });

  it('is Failed, which is written down once, with what is missing', () => {
    expect(verdictOf(rebooted({ node: NOT_READY, timers: running(`verify/${ID}`, 599.999) })).writes).to.deep.equal([]);
    const { plan } = decideOn(late());
    expect(theStep(plan.steps, 'failAttempt')).to.include({
      code: 'NotVerified',
      message:
        'The node has rebooted; its kubelet has not said Ready since. It goes on by itself once the node is well; else annotate its NodeReboot with drydock.dev/release and the ID of the attempt.',
    });
    expect(verdictOf(late({ attempt: { failure } }))).to.deep.include({ writes: [], phase: 'Failed' });
  });

  it('stays Failed under another controller, whose timers begin anew', () => {
    const { writes, phase, verdict } = verdictOf(rebooted({ node: NOT_READY, attempt: { failure } }));
    expect([writes, phase, verdict?.code]).to.deep.equal([[], 'Failed', 'NotVerified']);
  });

  it('heals by itself when it is well after all, and its attempt then counts as a reboot', () => {
    expect(verdictOf(rebooted({ attempt: { failure } })).writes).to.deep.equal(['restoreNode']);
    const handedBack = rebooted({
      attempt: { failure },
      node: { unschedulable: false, unschedulableManagers: [], annotations: {} },
    });
    expect(theStep(decideOn(handedBack).plan.steps, 'recordHistory').entry).to.include({ outcome: 'Rebooted' });
  });

  it('goes on being verified while it is Failed, soak included', () => {
    const spec = { verification: { soak: '5m' } };
    const { phase, verdict, writes } = verdictOf(rebooted({ spec, attempt: { failure } }));
    expect([phase, verdict?.code, writes]).to.deep.equal(['Failed', 'NotVerified', []]);
    expect(verdict?.message).to.contain('verification.soak');
  });
});

describe('an accepted attempt whose node does not come back', () => {
  const failure = { code: 'RebootTimedOut', message: 'x', at: '2026-11-02T11:59:00Z' };

  it('has the delay of the reboot and the timeout together', () => {
    const spec = { reboot: { delay: '5m', timeout: '10m' } };
    const at = (seconds: number) => verdictOf(accepted({ spec, timers: running(`reboot/${ID}`, seconds) })).writes;
    expect([at(899.999), at(900)]).to.deep.equal([[], ['failAttempt']]);
  });

  it('stays Failed under another controller, keeps cordon and slot, and is not written again', () => {
    const { writes, phase, verdict } = verdictOf(accepted({ attempt: { failure } }));
    expect([writes, phase, verdict?.code]).to.deep.equal([[], 'Failed', 'RebootTimedOut']);
  });

  it('is verified when it comes back late, and may then fail for another reason', () => {
    expect(verdictOf(rebooted({ attempt: { failure } })).writes).to.deep.equal(['restoreNode']);
    const lost = rebooted({ attempt: { failure }, node: { ready: false } });
    expect(verdictOf(lost).phase).to.equal('Verifying');
    const { plan } = decideOn({ ...lost, timers: running(`verify/${ID}`, 600) });
    expect(theStep(plan.steps, 'failAttempt').code).to.equal('NotVerified');
  });

  it('says Failed also where its NodeReboot is lost and it cannot be written down', () => {
    const given = accepted({ timers: running(`reboot/${ID}`, 1_800), slot: { requested: 'nrb-of-before' } });
    const { writes, phase } = verdictOf({ ...given, nodeReboots: [] });
    expect([writes, phase]).to.deep.equal([['createNodeReboot'], 'Failed']);
  });
});
