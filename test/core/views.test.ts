import { expect } from 'chai';
import fc from 'fast-check';
import type { RebootPolicySpec } from '../../src/api/generated/rebootpolicy.ts';
import { differs } from '../../src/controller/difference.ts';
import type { NodeReboot, RebootPolicy, Snapshot } from '../../src/core/model.ts';
import { mergeConditions } from '../../src/core/views/conditions.ts';
import { nodeRebootView } from '../../src/core/views/nodeRebootView.ts';
import { policyView } from '../../src/core/views/policyView.ts';
import {
  aNode,
  aNodeReboot,
  anAttempt,
  aPod,
  aPolicy,
  aSlot,
  cordonedFor,
  decideOn,
  type Given,
  NOON,
  required,
} from '../support/cluster.ts';
import { mergePatch } from '../support/mergePatch.ts';

const ID = 'attempt-of-n1';
const SPARE = aNode('spare', { labels: {} });

/** Everything that is written of a cluster in a state, with the object that it is written to. */
function viewsOf(given: Given) {
  const { plan, snapshot } = decideOn(given);
  const slots = snapshot.lock.kind === 'ok' ? snapshot.lock.slots : [];
  const ofPolicies = plan.policies.map((read) => ({
    object: read.policy as RebootPolicy | NodeReboot,
    view: policyView(read, plan, slots, snapshot) as object,
  }));
  const ofNodes = [...snapshot.nodeReboots.values()].flatMap((object) => {
    const view = nodeRebootView(object, plan, snapshot.now);
    return view === null ? [] : [{ object: object as RebootPolicy | NodeReboot, view: view as object }];
  });
  return [...ofPolicies, ...ofNodes];
}

const draining: Given = {
  nodes: [aNode('n1', cordonedFor(ID)), SPARE],
  nodeReboots: [
    aNodeReboot(
      'n1',
      { attempt: anAttempt('n1'), prepare: { attemptID: ID } },
      { agent: { ...required(), prepared: { attemptID: ID, able: true } } },
    ),
  ],
  slots: [aSlot('n1')],
  answers: { pods: new Map([['n1', [aPod('web-1'), aPod('web-2')]]]) },
};

describe('what people read', () => {
  const status = (names: readonly string[]) =>
    fc.record(
      {
        phase: fc.constantFrom(...names),
        verdict: fc.record(
          {
            code: fc.constant('Old'),
            message: fc.constant('old'),
            nextCheck: fc.constant('2026-01-01T00:00:00Z'),
            blockers: fc.constant([{ code: 'Old', message: 'old' }]),
          },
          { requiredKeys: ['code', 'message'] },
        ),
        drain: fc.record({ podsLeft: fc.nat(9), waitingFor: fc.constant(['x']) }, { requiredKeys: [] }),
        conditions: fc.constant([
          { type: 'Drained', status: 'True', reason: 'Done', message: 'Attempt old.', lastTransitionTime: 'x' },
          { type: 'Other', status: 'True', reason: 'r', message: 'm', lastTransitionTime: 'x' },
        ]),
      },
      { requiredKeys: [] },
    );
  const specs = fc.record<Partial<RebootPolicySpec>>(
    {
      mode: fc.constantFrom('Enforce', 'Report'),
      settle: fc.constantFrom('0s', '5m', 'nonsense'),
      schedule: fc.constantFrom(
        {},
        { timeZone: 'UTC', windows: [{ cron: '0 2 * * *', duration: '1h' }] },
        { timeZone: 'Europe/Atlantis' },
      ),
    },
    { requiredKeys: [] },
  );
  const stages = fc.constantFrom(
    'idle',
    'waiting',
    'reasons',
    'held',
    'long',
    'prepare',
    'drain',
    'blocked',
    'failed',
    'ending',
  );

  function clusterAt(stage: string, spec: Partial<RebootPolicySpec>, before: object): Given {
    const policies = [aPolicy(spec), aPolicy({ ...spec }, 'younger')];
    const waiting = (agent: object) => ({
      policies,
      nodes: [aNode('n1'), SPARE],
      nodeReboots: [aNodeReboot('n1', {}, { agent, ...before })],
      answers: { nodesFresh: false },
    });
    const inFlight = (agent: object, ending = false, given: Given = {}) => {
      const attempt = anAttempt('n1', {}, ending ? { ending: { code: 'Held', message: 'm' } } : {});
      const spec = { attempt, prepare: { attemptID: ID } };
      return { ...draining, policies, nodeReboots: [aNodeReboot('n1', spec, { agent, ...before })], ...given };
    };
    const prepared = { ...required(), prepared: { attemptID: ID, able: true } };
    const long = `${'x'.repeat(255)}😀`;
    switch (stage) {
      case 'idle':
        return waiting({});
      case 'waiting':
        return waiting(required());
      case 'reasons':
        return waiting({ ...required(), reasons: Array.from({ length: 64 }, () => long) });
      case 'held':
        return { ...waiting(required()), namespaceAnnotations: { 'drydock.dev/hold': 'x until=2027-01-01T00:00:00Z' } };
      case 'long':
        return waiting({ ...required(), reboot: { able: false, reason: long.repeat(20) } });
      case 'prepare':
        return inFlight(required());
      case 'drain':
        return inFlight(prepared);
      case 'blocked':
        return inFlight(prepared);
      case 'failed':
        return inFlight({ ...prepared, accepted: ID }, false, { timers: new Map([[`reboot/${ID}`, -9e9]]) });
      default:
        return inFlight(prepared, true);
    }
  }

  it('is written once: what the patch makes of any status needs no other', () => {
    const property = fc.property(stages, specs, status(['Idle', 'Draining', 'Failed']), (stage, spec, before) => {
      const given = clusterAt(stage, spec, before);
      for (const { object, view } of viewsOf(given)) {
        const sent: unknown = JSON.parse(JSON.stringify(view));
        expect(JSON.stringify(view), 'no half of a character').to.equal(JSON.stringify(view).toWellFormed());
        expect(JSON.stringify(view)).not.to.match(/\\ud[89a-f]/);
        const stored = mergePatch(object.status, sent) as object;
        expect(differs(stored, view)).to.equal(false);
      }
      const written = viewsOf(given).map(({ object, view }) => ({
        ...object,
        status: mergePatch(object.status, JSON.parse(JSON.stringify(view))),
      }));
      const policies = written.slice(0, 2) as RebootPolicy[];
      const nodeReboots = written.slice(2) as NodeReboot[];
      const later = {
        ...given,
        policies,
        nodeReboots: nodeReboots.length > 0 ? nodeReboots : (given.nodeReboots ?? []),
      };
      for (const { object, view } of viewsOf({ ...later, now: NOON + 1_000, mono: 1_001_000 })) {
        expect(differs(object.status, view), `a moment later: ${JSON.stringify(view)}`).to.equal(false);
      }
    });
    fc.assert(property, { numRuns: 150 });
  });

  it('has no sentence that changes by the clock', () => {
    const sentences = (now: number, mono: number) =>
      ['waiting', 'held', 'prepare', 'drain', 'failed'].flatMap((stage) =>
        viewsOf({ ...clusterAt(stage, { settle: '0s' }, {}), now, mono }).map(({ view }) =>
          JSON.stringify(view).replaceAll(/"lastTransitionTime":"[^"]*"/g, ''),
        ),
      );
    expect(sentences(NOON + 7_000, 1_007_000)).to.deep.equal(sentences(NOON, 1_000_000));
  });

  it('fits into what the resource definitions take', () => {
    for (const stage of ['reasons', 'long', 'held']) {
      for (const { view } of viewsOf(clusterAt(stage, {}, {}))) {
        const messages = [...JSON.stringify(view).matchAll(/"message":"([^"]*)"/g)].map(
          ([, text]) => text?.length ?? 0,
        );
        expect(Math.max(...messages)).to.be.at.most(2048);
      }
    }
  });

  it('is the first reason, and all of them where there are several', () => {
    const { plan, snapshot } = decideOn({
      nodes: [aNode('n1', { annotations: { 'drydock.dev/hold': 'because' } })],
      nodeReboots: [aNodeReboot('n1', {}, { agent: required() })],
    });
    const view = nodeRebootView(snapshot.nodeReboots.get('n1') as NodeReboot, plan, NOON);
    expect(view?.phase).to.equal('Pending');
    expect(view?.verdict.code).to.equal('Held');
    expect(view?.verdict.blockers?.map(({ code }) => code)).to.deep.equal(['Held', 'LastSchedulableNode']);
  });

  it('is how far a drain has come', () => {
    const { plan, snapshot } = decideOn(draining);
    const nodeReboot = snapshot.nodeReboots.get('n1') as NodeReboot;
    expect(nodeRebootView(nodeReboot, plan, NOON)?.drain).to.deep.include({
      podsLeft: 2,
      waitingFor: ['default/web-1: terminating', 'default/web-2: terminating'],
    });
  });

  it('has a step with a time for everything that has been done, which stays when the attempt is over', () => {
    const at = (given: Given) => {
      const { plan, snapshot } = decideOn(given);
      const view = nodeRebootView(snapshot.nodeReboots.get('n1') as NodeReboot, plan, NOON);
      return Object.fromEntries((view?.conditions ?? []).map(({ type, status: holds }) => [type, holds]));
    };
    const steps = { RebootRequired: 'True', Prepared: 'True', Cordoned: 'True', Drained: 'False' };
    expect(at(draining)).to.include({ ...steps, Accepted: 'False', Rebooted: 'False', Verified: 'False' });
    const conditions = [
      { type: 'Drained', status: 'True' as const, reason: 'Done', message: 'm', lastTransitionTime: 'x' },
    ];
    const idle = { nodeReboots: [aNodeReboot('n1', {}, { conditions })] };
    expect(at(idle)).to.deep.equal({ RebootRequired: 'False', Drained: 'True' });
  });

  const policyConditions = (given: Given) => {
    const { plan, snapshot } = decideOn(given);
    const [read] = plan.policies;
    if (read === undefined) throw new Error('no policy');
    return { view: policyView(read, plan, given.slots ?? [], snapshot as Snapshot) };
  };
  const reasonsOf = (given: Given) =>
    policyConditions(given).view.conditions.map(({ type, status: holds, reason }) => `${type} ${holds} ${reason}`);

  it('is of a policy whether it is in force, what it does and what keeps its nodes', () => {
    const nodeReboots = [aNodeReboot('n1', {}, { agent: required() })];
    const held = { nodes: [aNode('n1', { annotations: { 'drydock.dev/hold': '' } }), SPARE], nodeReboots };
    const fine = 'Halted False NotHalted';
    expect(reasonsOf({})).to.deep.equal([
      'Ready True InForce',
      'Progressing False Idle',
      'Blocked False NotBlocked',
      fine,
    ]);
    expect(reasonsOf(held)).to.deep.equal(['Ready True InForce', 'Progressing False Idle', 'Blocked True Held', fine]);
    expect(reasonsOf(draining)).to.deep.equal([
      'Ready True InForce',
      'Progressing True NodesInFlight',
      'Blocked False NotBlocked',
      fine,
    ]);
    expect(reasonsOf({ policies: [aPolicy({ mode: 'Report' })] })[0]).to.equal('Ready True ReportOnly');
    expect(reasonsOf({ nodes: [SPARE] })[0]).to.equal('Ready True NothingSelected');
    expect(reasonsOf({ policies: [aPolicy({ settle: 'x' })] })[0]).to.equal('Ready False Invalid');
    expect(reasonsOf({ lock: { kind: 'newer', format: '2' } })[2]).to.equal('Blocked True LockNewer');
  });

  it('is of a policy which of its nodes an older one owns', () => {
    const policies = [aPolicy({}, 'a-older'), aPolicy({}, 'b-younger')];
    const { plan, snapshot } = decideOn({ policies });
    const younger = plan.policies[1];
    const view = younger && policyView(younger, plan, [], snapshot);
    expect(view?.conditions[0]).to.include({ status: 'True', reason: 'Overlapping' });
    expect(view?.conditions[0]?.message).to.contain('n1 (a-older)');
  });

  it('is of a policy how many of its nodes are where', () => {
    const slots = [aSlot('n1')];
    const nodes = [aNode('n1', cordonedFor(ID)), aNode('n2', { ready: false }), aNode('n3'), SPARE];
    const nodeReboots = [...(draining.nodeReboots ?? []), aNodeReboot('n3', {}, { agent: required() })];
    const { view } = policyConditions({ ...draining, nodes, nodeReboots, slots });
    expect(view.nodes).to.deep.equal({ selected: 3, pending: 1, inFlight: 1, failed: 0, unavailable: 2 });
    expect(view.inFlight).to.deep.equal(['n1']);
  });
});

describe('conditions', () => {
  const said = { type: 'Ready', status: 'True' as const, reason: 'A', message: 'a' };
  const stored = { ...said, lastTransitionTime: '2020-01-01T00:00:00Z' };

  it('keep the time of their transition while their status stays, whatever else is said', () => {
    const [merged] = mergeConditions([stored], [{ ...said, reason: 'B', message: 'b' }], NOON);
    expect(merged).to.deep.equal({ ...stored, reason: 'B', message: 'b' });
  });

  it('have the time of now when they are new or turn', () => {
    expect(mergeConditions([], [said], NOON)[0]?.lastTransitionTime).to.equal('2026-11-02T12:00:00.000Z');
    const turned = mergeConditions([stored], [{ ...said, status: 'False' }], NOON);
    expect(turned[0]?.lastTransitionTime).to.equal('2026-11-02T12:00:00.000Z');
  });

  it('go when nothing is said of them', () => {
    expect(mergeConditions([stored], [], NOON)).to.deep.equal([]);
  });
});

describe('a difference', () => {
  it('is none by order of fields, nulls or times of transition', () => {
    const view = { a: { x: 1, y: null }, b: null, conditions: [{ type: 'A', lastTransitionTime: '2' }] };
    const stored = { conditions: [{ lastTransitionTime: '1', type: 'A' }], a: { x: 1 }, other: 7 };
    expect(differs(stored, view)).to.equal(false);
    expect(differs(undefined, { a: null })).to.equal(false);
  });

  it('is one by every value, at any depth, and by what is to go', () => {
    for (const [stored, view] of [
      [{ a: { b: [1] } }, { a: { b: [2] } }],
      [{ a: { b: 1 } }, { a: { b: null } }],
      [{ a: 1 }, { a: null }],
      [undefined, { a: 1 }],
      [{ a: [] }, { a: null }],
      [{ a: ['x', 'y'] }, { a: ['y', 'x'] }],
    ] as [object | undefined, object][])
      expect(differs(stored, view), JSON.stringify([stored, view])).to.equal(true);
  });
});
