import { expect } from 'chai';
import { POLICY_FINALIZER } from '../../src/api/names.ts';
import type { RebootPolicy } from '../../src/core/model.ts';
import { ID, inFlight, theStep } from '../support/attempt.ts';
import { aNodeReboot, aPolicy, aSlot, decideOn, type Given, required, writesOf } from '../support/cluster.ts';
import { fleet, started, why } from '../support/fleet.ts';

const meta = (changes: Partial<RebootPolicy['metadata']>, policy = aPolicy()): RebootPolicy => ({
  ...policy,
  metadata: { ...policy.metadata, ...changes },
});
const DELETED = { deletionTimestamp: '2026-11-02T11:59:00Z' };
const policySteps = (given: Given) => decideOn(given).plan.steps.filter((step) => 'policy' in step);

describe('the finalizer of a policy', () => {
  const slots = [aSlot('n1')];
  const guarded = (policy: RebootPolicy, changes: Given = {}) =>
    policySteps(inFlight({ policies: [policy], ...changes })).map(
      (step) => step.kind === 'guardPolicy' && step.guarded,
    );

  it('is put on while one of its nodes has a slot, and taken off after that', () => {
    expect(guarded(meta({ finalizers: [] }), { slots })).to.deep.equal([true]);
    expect(guarded(meta({ finalizers: ['x', POLICY_FINALIZER] }), { slots })).to.deep.equal([]);
    const rest = { slots: [], nodeReboots: [aNodeReboot('n1')] };
    expect(guarded(meta({ finalizers: [POLICY_FINALIZER] }), rest)).to.deep.equal([false]);
    expect(guarded(meta({ finalizers: ['x'] }), rest)).to.deep.equal([]);
  });

  it('is not put on a policy that is being deleted, which the API server would refuse, but taken off it', () => {
    expect(guarded(meta({ finalizers: ['x'], ...DELETED }), { slots })).to.deep.equal([]);
    const rest = { slots: [], nodeReboots: [aNodeReboot('n1')] };
    expect(guarded(meta({ finalizers: [POLICY_FINALIZER], ...DELETED }), rest)).to.deep.equal([false]);
  });

  it('is of the policy whose slot it is', () => {
    expect(guarded(meta({ finalizers: [] }), { slots: [aSlot('n1', { policyUID: 'another' })] })).to.deep.equal([]);
  });
});

describe('a policy that is being deleted', () => {
  const deleted = meta({ ...DELETED, finalizers: [POLICY_FINALIZER] });

  it('owns nothing: nothing starts under it, and the next one takes its nodes over', () => {
    expect(started(fleet(['n1'], { policies: [deleted] }))).to.deep.equal([]);
    const both = fleet(['n1'], { policies: [meta(DELETED), aPolicy({}, 'younger')] });
    const { plan } = decideOn(both);
    expect(theStep(plan.stepsAfterLock, 'beginAttempt').attempt.policy.name).to.equal('younger');
  });

  it('has its attempts given up', () => {
    const { plan } = decideOn(inFlight({ policies: [deleted] }));
    expect(theStep(plan.steps, 'endAttempt').code).to.equal('PolicyGone');
  });
});

describe('policies that select the same node', () => {
  const named = (name: string, priority: number, createdAt = '2026-01-01T00:00:00Z') =>
    meta({ creationTimestamp: createdAt }, aPolicy({ priority, settle: '0s' }, name));
  const owner = (policies: RebootPolicy[]) =>
    decideOn(fleet(['n1'], { policies })).plan.policies.find(({ nodes }) => nodes.length > 0)?.name;

  it('leave it to the one of the highest priority, whatever their age', () => {
    expect(owner([named('older', 1, '2020-01-01T00:00:00Z'), named('higher', 2)])).to.equal('higher');
    expect(owner([named('negative', -1), named('unset', 0)])).to.equal('unset');
    const { priority: _, ...unset } = named('unset', 0).spec;
    expect(owner([{ ...named('unset', 0), spec: unset }, named('one', 1)])).to.equal('one');
  });

  it('leave it among equals to the oldest, then to the first by name', () => {
    expect(owner([named('a', 1), named('z-older', 1, '2020-01-01T00:00:00Z')])).to.equal('z-older');
    expect(owner([named('b', 1), named('a', 1)])).to.equal('a');
  });

  it('start nodes in the order of their priority', () => {
    const infra = aPolicy({ priority: 7, settle: '0s', nodeSelector: { matchLabels: { role: 'infra' } } }, 'infra');
    const { nodes = [], ...others } = fleet(['a', 'z'], {
      policies: [aPolicy({ settle: '0s' }), infra],
      maxDisrupted: 9,
    });
    const given = {
      ...others,
      nodes: nodes.map((node) => (node.name === 'z' ? { ...node, labels: { role: 'infra' } } : node)),
    };
    expect(started(given)).to.deep.equal(['z']);
    expect(why(given, 'a')).to.deep.equal(['WaitsForTurn']);
  });
});

describe('what people have annotated on a NodeReboot', () => {
  const wish = (annotations: Record<string, string>, changes: object = {}): Given => {
    const nodeReboot = aNodeReboot('n1', {}, { agent: { ...required(), reboot: { able: false } } });
    return fleet(['n1'], {
      nodeReboots: [{ ...nodeReboot, metadata: { ...nodeReboot.metadata, annotations, ...changes } }],
    });
  };
  const writes = (given: Given) => writesOf(decideOn(given).plan);

  it('is taken in one thing after the other', () => {
    const both = { 'drydock.dev/release': ID, 'drydock.dev/approve': '' };
    expect(writes(wish(both))).to.deep.equal(['dropRelease']);
    expect(writes(wish({ 'drydock.dev/approve': '' }))).to.deep.equal(['grant']);
  });

  it('is left alone on one that is being deleted, and on one that belongs to an earlier node', () => {
    expect(writes(wish({ 'drydock.dev/approve': '' }, DELETED))).to.deep.equal([]);
    const given = wish({ 'drydock.dev/approve': '' });
    const [nodeReboot] = given.nodeReboots ?? [];
    const earlier = nodeReboot && { ...nodeReboot, spec: { nodeUID: 'uid-of-before' } };
    expect(writes({ ...given, nodeReboots: earlier ? [earlier] : [] })).to.deep.equal(['deleteNodeReboot']);
  });

  it('waits while the node is being put in order', () => {
    const given = inFlight({
      annotations: { 'drydock.dev/approve': '' },
      namespaceAnnotations: { 'drydock.dev/hold': '' },
    });
    expect(writes(given)).to.deep.equal(['endAttempt']);
    expect(writes({ ...given, slots: [], policies: [aPolicy()] })).to.deep.equal(['clearAttempt']);
  });
});
