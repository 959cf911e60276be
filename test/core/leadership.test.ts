import { expect } from 'chai';
import fc from 'fast-check';
import { claimOf, isOutranked, nextEpoch } from '../../src/core/lock/leadership.ts';
import { lockAnnotations, readLock } from '../../src/core/lock/lock.ts';
import type { LockState } from '../../src/core/model.ts';
import {
  aNode,
  aNodeReboot,
  anAttempt,
  aSlot,
  aSnapshot,
  cordonedFor,
  decideOn,
  type Given,
  required,
  writesOf,
} from '../support/cluster.ts';

const SPARE = aNode('spare', { labels: {} });
const ID = 'attempt-of-n1';
const missing: LockState = { kind: 'missing' };
const lockOf = (epoch: number): LockState => ({
  kind: 'ok',
  resourceVersion: '50',
  epoch,
  slots: [aSlot('n1')],
  hold: null,
});

describe('a new leadership', () => {
  it('claims the lock before anything else, with the slots as they are', () => {
    const { plan } = decideOn({
      epoch: null,
      lock: lockOf(4),
      nodeReboots: [aNodeReboot('n1', {}, { agent: required() })],
    });
    expect(plan.claim).to.deep.equal({ epoch: 5, slots: [aSlot('n1')], why: 'a new leadership' });
    expect(writesOf(plan)).to.deep.equal([]);
  });

  it('outranks what it finds: the lock, or without one all Nodes and NodeReboots', () => {
    const epochs = fc.nat(1_000_000);
    fc.assert(
      fc.property(
        epochs,
        fc.array(epochs, { maxLength: 4 }),
        fc.array(epochs, { maxLength: 4 }),
        (lock, marks, attempts) => {
          const snapshot = aSnapshot({
            epoch: null,
            lock: lockOf(lock),
            nodes: marks.map((epoch, index) => aNode(`n${index}`, cordonedFor('a', epoch))),
            nodeReboots: attempts.map((epoch, index) =>
              aNodeReboot(`n${index}`, { attempt: anAttempt('n', {}, { epoch }) }),
            ),
          });
          expect(claimOf(snapshot)?.epoch).to.equal(lock + 1);
          const rebuilt = claimOf({ ...snapshot, lock: missing })?.epoch ?? 0;
          for (const epoch of [...marks, ...attempts]) expect(rebuilt).to.be.above(epoch);
          expect(isOutranked({ ...snapshot, epoch: lock })).to.equal(false);
          expect(isOutranked({ ...snapshot, epoch: lock - 1 })).to.equal(true);
        },
      ),
    );
  });

  it('takes no nonsense on a Node for an epoch', () => {
    for (const mark of ['9007199254740991', '', 'x', '-3', '1e99', '2.5', 'Infinity']) {
      const nodes = [aNode('n1', { annotations: { 'drydock.dev/epoch': mark } })];
      expect(nextEpoch(aSnapshot({ nodes, lock: lockOf(4) })), mark).to.equal(5);
    }
  });

  const inFlight = (nodeEpoch: number, attemptEpoch: number): Given => ({
    epoch: 5,
    inherited: [ID],
    lock: lockOf(5),
    nodes: [aNode('n1', cordonedFor(ID, nodeEpoch)), SPARE],
    nodeReboots: [
      aNodeReboot(
        'n1',
        { attempt: anAttempt('n1', {}, { epoch: attemptEpoch }), prepare: { attemptID: ID } },
        { agent: required() },
      ),
    ],
  });

  it('writes its epoch to the Node, then to the attempt, and only then acts', () => {
    expect(decideOn(inFlight(4, 4)).plan.steps).to.have.length(1);
    expect(decideOn(inFlight(4, 4)).plan.steps[0]).to.include({ kind: 'adoptNode', epoch: 5 });
    expect(decideOn(inFlight(5, 4)).plan.steps[0]).to.include({ kind: 'adoptAttempt', epoch: 5 });
    expect(decideOn(inFlight(5, 5)).plan.inFlight.has('n1')).to.equal(true);
    for (const given of [inFlight(4, 4), inFlight(5, 4)]) {
      const { plan } = decideOn(given);
      expect([plan.inFlight.size, plan.lockEdits.length, plan.stepsAfterLock.length]).to.deep.equal([0, 0, 0]);
    }
  });

  it('writes its epoch to the Node of a slot whose NodeReboot is gone, or was made anew', () => {
    for (const nodeReboots of [[], [aNodeReboot('n1')]]) {
      const { plan } = decideOn({ ...inFlight(4, 4), nodeReboots });
      expect(writesOf(plan)).to.deep.equal(['adoptNode']);
    }
  });

  it('adopts only what it found: an attempt of its own is not marked before its cordon', () => {
    const { plan } = decideOn({ ...inFlight(0, 5), nodes: [aNode('n1'), SPARE], inherited: [] });
    expect(plan.adopting).to.equal(false);
    expect(writesOf(plan)).to.not.include('adoptNode');
  });

  it('adopts every node in flight at the same time', () => {
    const given = inFlight(4, 4);
    const two = {
      ...given,
      inherited: [ID, 'attempt-of-n2'],
      lock: { ...lockOf(5), slots: [aSlot('n1'), aSlot('n2')] } as LockState,
      nodes: [...(given.nodes ?? []), aNode('n2', cordonedFor('attempt-of-n2', 5))],
      nodeReboots: [...(given.nodeReboots ?? []), aNodeReboot('n2', { attempt: anAttempt('n2', {}, { epoch: 4 }) })],
    };
    expect(writesOf(decideOn(two).plan)).to.deep.equal(['adoptNode', 'adoptAttempt']);
  });
});

describe('a leadership', () => {
  it('is given up, and writes nothing, when the lock has a higher epoch', () => {
    const { plan } = decideOn({ epoch: 5, lock: lockOf(6) });
    expect(plan.resign).to.be.a('string');
    expect([...writesOf(plan), plan.claim]).to.deep.equal([null]);
  });

  it('is not troubled by an epoch that somebody has written on a Node, and writes its own over it', () => {
    const nodes = [aNode('n1', cordonedFor(ID, 999)), SPARE];
    const nodeReboots = [aNodeReboot('n1', { attempt: anAttempt('n1') })];
    const { plan } = decideOn({ epoch: 5, lock: lockOf(5), nodes, nodeReboots, inherited: [ID] });
    expect(plan.resign).to.equal(null);
    expect(plan.steps[0]).to.include({ kind: 'adoptNode', epoch: 5 });
  });

  it('touches nothing where the lock has a newer format, and says so', () => {
    for (const epoch of [null, 5]) {
      const { plan } = decideOn({
        epoch,
        lock: { kind: 'newer', format: '2' },
        nodes: [aNode('n1', cordonedFor('x')), SPARE],
      });
      expect([writesOf(plan), plan.claim, plan.resign]).to.deep.equal([[], null, null]);
      expect(plan.held?.code).to.equal('LockNewer');
    }
  });
});

describe('a lock that is gone or cannot be read', () => {
  const rebuilt = (given: Given, lock: LockState = missing) => decideOn({ epoch: 3, lock, ...given }).plan.claim;

  it('is not an empty one: nothing starts until it has been written anew', () => {
    const nodeReboots = [aNodeReboot('n1', {}, { agent: required() })];
    const { plan } = decideOn({ epoch: 3, lock: missing, nodeReboots });
    expect(writesOf(plan)).to.deep.equal([]);
    expect(plan.claim).to.deep.equal({ epoch: 4, slots: [], why: 'the lock is missing' });
    const why = 'the lock cannot be read: no JSON';
    expect(rebuilt({}, { kind: 'unreadable', resourceVersion: '9', why: 'no JSON' })).to.include({ why });
  });

  it('is rebuilt from NodeReboots that carry an attempt', () => {
    const nodeReboots = [aNodeReboot('n1', { attempt: anAttempt('n1', {}, { epoch: 2 }) })];
    expect(rebuilt({ nodeReboots })).to.deep.include({ epoch: 4, slots: [aSlot('n1')] });
  });

  it('is rebuilt with the mark of a request, which may have been accepted', () => {
    const reboot = {
      attemptID: ID,
      fromBootID: 'boot-0',
      nodeRebootUID: 'nrb-of-n1',
      delaySeconds: 0,
      timeoutSeconds: 1,
      baseline: {},
    };
    const nodeReboots = [aNodeReboot('n1', { attempt: anAttempt('n1'), reboot })];
    expect(rebuilt({ nodeReboots })?.slots).to.deep.equal([
      aSlot('n1', { fromBootID: 'boot-0', requested: 'nrb-of-n1' }),
    ]);
    const other = [aNodeReboot('n1', { attempt: anAttempt('n1'), reboot: { ...reboot, attemptID: 'other' } })];
    expect(rebuilt({ nodeReboots: other })?.slots).to.deep.equal([aSlot('n1')]);
  });

  it('is rebuilt from Nodes that carry our cordon, also without a NodeReboot', () => {
    const slots = rebuilt({ nodes: [aNode('n1', cordonedFor('lost', 2)), SPARE] })?.slots;
    expect(slots).to.deep.equal([aSlot('n1', { attemptID: 'lost', policyUID: 'unknown' })]);
  });

  it('is not rebuilt from an attempt on an earlier node of a name, nor from the cordons of others', () => {
    const nodeReboots = [aNodeReboot('n1', { attempt: anAttempt('n1'), nodeUID: 'uid-of-earlier' })];
    const nodes = [aNode('n1', { unschedulable: true }), SPARE];
    expect(rebuilt({ nodes, nodeReboots })?.slots).to.deep.equal([]);
  });

  it('is rebuilt to one that can be read, whatever Nodes and NodeReboots carry', () => {
    const text = fc.constantFrom('', 'a', 'b');
    const property = fc.property(
      text,
      text,
      text,
      text,
      fc.boolean(),
      fc.boolean(),
      (mark, id, boot, policy, begun, asked) => {
        const attempt = { ...anAttempt('n1'), id, policy: { ...anAttempt('n1').policy, uid: policy } };
        const reboot = {
          attemptID: id,
          fromBootID: boot,
          nodeRebootUID: boot,
          delaySeconds: 0,
          timeoutSeconds: 1,
          baseline: {},
        };
        const claim = rebuilt({
          nodes: [aNode('n1', { bootID: boot, annotations: { 'drydock.dev/cordon': mark } }), SPARE],
          nodeReboots: [aNodeReboot('n1', { ...(begun ? { attempt } : {}), ...(asked ? { reboot } : {}) })],
        });
        const annotations = lockAnnotations(claim?.epoch ?? 0, claim?.slots ?? []);
        const metadata = { name: 'l', uid: 'l', resourceVersion: '1', creationTimestamp: '', annotations };
        expect(readLock({ metadata })).to.deep.include({ kind: 'ok', slots: claim?.slots });
      },
    );
    fc.assert(property);
  });
});
