import { expect } from 'chai';
import fc from 'fast-check';
import { decide, type Plan } from '../../src/core/decide.ts';
import type { NodeReboot, NodeView, RebootPolicy, Slot, Snapshot } from '../../src/core/model.ts';
import { Timers } from '../../src/core/timers.ts';
import { annotated } from '../support/attempt.ts';
import {
  aNode,
  aNodeReboot,
  anAttempt,
  aPolicy,
  aSlot,
  aSnapshot,
  type Given,
  NOON,
  required,
} from '../support/cluster.ts';

/** The first of some values, but for now and then. */
function mostly<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(...others) });
}

/** What is drawn of each node. */
const NODE = fc.record({
  policy: fc.constantFrom('one', 'two', 'none'),
  state: mostly<'fine' | 'notReady' | 'cordoned' | 'leaving' | 'young'>(
    'fine',
    'notReady',
    'cordoned',
    'leaving',
    'young',
  ),
  slot: mostly(false, true),
  requires: fc.constantFrom(true, true, false),
  since: fc.integer({ min: 0, max: 3 }),
  grant: fc.constantFrom('', '', '', 'RebootNow', 'Approve'),
  failures: fc.constantFrom(0, 0, 0, 2),
  keeps: mostly('', 'hold', 'boot', 'unable', 'backoff', 'released'),
  zone: fc.constantFrom('a', 'b'),
  controlPlane: fc.constantFrom(false, false, false, true),
});
type Drawn = typeof NODE extends fc.Arbitrary<infer T> ? T : never;

const POLICY = fc.record({
  max: fc.constantFrom<number | string>(1, 2, 3, '20%', '50%', '100%'),
  priority: fc.integer({ min: 0, max: 2 }),
  zoned: fc.boolean(),
  manual: mostly(false, true),
  halted: mostly(false, true),
  report: mostly(false, true),
});
const CLUSTER = fc.record({
  nodes: fc.array(NODE, { maxLength: 12 }),
  one: POLICY,
  two: POLICY,
  maxDisrupted: fc.integer({ min: 0, max: 9 }),
  held: mostly('', 'lock', 'pause', 'other rebooter', 'not read'),
});
type DrawnCluster = typeof CLUSTER extends fc.Arbitrary<infer T> ? T : never;

const STATES: Record<Drawn['state'], Partial<NodeView>> = {
  fine: {},
  notReady: { ready: false },
  cordoned: { unschedulable: true, unschedulableManagers: ['kubectl-cordon'] },
  leaving: { deleting: true },
  young: { ready: false, createdAt: new Date(NOON - 60_000).toISOString() },
};
const SINCE = (day: number) => `2026-10-0${day + 1}T00:00:00Z`;

function nodeOf(one: Drawn, name: string): NodeView {
  const role = one.controlPlane ? { 'node-role.kubernetes.io/control-plane': '' } : {};
  const notes = {
    ...(one.keeps === 'hold' ? { 'drydock.dev/hold': '' } : {}),
    ...(one.keeps === 'released' ? { 'drydock.dev/released-boot': `boot-1-of-${name}` } : {}),
  };
  return aNode(name, {
    labels: { role: one.policy, zone: one.zone, ...role },
    annotations: notes,
    ...STATES[one.state],
  });
}

function nodeRebootOf(one: Drawn, name: string): NodeReboot {
  const grant = { kind: one.grant as 'Approve' | 'RebootNow', bootID: `boot-1-of-${name}`, at: '2026-11-02T11:00:00Z' };
  const attempt = { attempt: anAttempt(name), prepare: { attemptID: `attempt-of-${name}` } };
  const until = one.keeps === 'backoff' ? '2026-11-02T13:00:00Z' : '2026-11-02T10:00:00Z';
  const failed = {
    attemptID: 'x',
    outcome: 'Interrupted' as const,
    code: 'x',
    message: '',
    startedAt: '',
    endedAt: '2026-11-02T11:30:00Z',
  };
  const agent = {
    ...(one.requires ? required(SINCE(one.since)) : {}),
    ...(one.keeps === 'boot' ? { bootID: 'boot-0' } : {}),
    ...(one.keeps === 'unable' ? { reboot: { able: false } } : {}),
  };
  const waits = one.failures > 0 || one.keeps === 'backoff';
  return aNodeReboot(
    name,
    { ...(one.grant === '' ? {} : { grant }), ...(one.slot ? attempt : {}) },
    { agent, ...(waits ? { backoff: { failures: one.failures || 1, until }, history: [failed] } : {}) },
  );
}

function policyOf(
  name: 'one' | 'two',
  { max, priority, zoned, manual, halted, report }: DrawnCluster['one'],
): RebootPolicy {
  const policy = aPolicy(
    {
      nodeSelector: { matchLabels: { role: name } },
      priority,
      mode: report ? 'Report' : 'Enforce',
      approval: manual ? 'Manual' : 'Automatic',
      disruption: { maxUnavailable: max as number, ...(zoned ? { topologyKey: 'zone' } : {}) },
    },
    name,
  );
  const annotations = halted ? { 'drydock.dev/halted': 'x' } : {};
  return { ...policy, metadata: { ...policy.metadata, annotations } };
}

function clusterOf({ nodes, one, two, maxDisrupted, held }: DrawnCluster): Given {
  const named = nodes.map((drawn, index) => ({ drawn, name: `n${index}` }));
  const slots: Slot[] = named
    .filter(({ drawn }) => drawn.slot)
    .map(({ drawn, name }) => aSlot(name, { policyUID: `policy-${drawn.policy}` }));
  const hold = held === 'lock' ? { holder: 'ops', renewTime: 'x', durationSeconds: 60 } : null;
  return {
    nodes: [...named.map(({ drawn, name }) => nodeOf(drawn, name)), aNode('spare', { labels: {} })],
    nodeReboots: named.map(({ drawn, name }) => annotated(nodeRebootOf(drawn, name), undefined)),
    policies: [policyOf('one', one), policyOf('two', two)],
    lock: { kind: 'ok', resourceVersion: '50', epoch: 1, slots, hold },
    maxDisrupted,
    namespaceAnnotations: held === 'pause' ? { 'drydock.dev/pause': '' } : {},
    otherLocks: held === 'other rebooter' ? ['elsewhere'] : [],
    answers: { nodesFresh: held !== 'not read' },
  };
}

function decided(cluster: DrawnCluster): { plan: Plan; snapshot: Snapshot } {
  const snapshot = aSnapshot(clusterOf(cluster));
  return { plan: decide(snapshot, new Timers(new Map(), snapshot.mono)), snapshot };
}

/** The nodes that start, by their place in the drawn list. */
const startedOf = ({ lockEdits }: Plan) =>
  lockEdits.flatMap((edit) => (edit.kind === 'take' ? [Number(edit.slot.node.slice(1))] : []));

// The design in words of the drawn cluster, written apart from the code.
const isDown = ({ state, slot }: Drawn) => slot || state === 'notReady' || state === 'cordoned';
const rankOf = ({ grant, failures, state }: Drawn) => {
  if (grant === 'RebootNow') return 0;
  if (failures > 0) return 3;
  return state === 'fine' ? 2 : 1;
};
const allowedOf = (max: number | string, total: number) =>
  typeof max === 'number' ? max : Math.max(1, Math.floor((Number.parseInt(max, 10) * total) / 100));
const orderOf = (one: Drawn, index: number) => `${rankOf(one)} ${one.requires ? SINCE(one.since) : ''} n${index}`;

function isEligible(one: Drawn, policy: DrawnCluster['one']): boolean {
  const now = one.grant === 'RebootNow';
  if (one.slot || one.state === 'leaving' || policy.report || policy.halted) return false;
  if (!one.requires && !now) return false;
  if (['hold', 'boot', 'unable', 'backoff', 'released'].includes(one.keeps)) return false;
  return !policy.manual || one.grant !== '';
}

function hasRoom(one: Drawn, policy: DrawnCluster['one'], nodes: readonly Drawn[]): boolean {
  const own = nodes.filter((other) => other.policy === one.policy);
  const down = own.filter((other) => other !== one && isDown(other)).length;
  if (down >= allowedOf(policy.max, own.length)) return false;
  if (policy.zoned && own.some((other) => other.slot && other.zone !== one.zone)) return false;
  const notReady = ({ state, slot }: Drawn) => slot || state === 'notReady' || state === 'young';
  return !one.controlPlane || !nodes.some((other) => other !== one && other.controlPlane && notReady(other));
}

describe('what starts, in any cluster', () => {
  const check = (what: (cluster: DrawnCluster, starts: number[], plan: Plan) => void) => {
    const seen = { started: 0, waited: 0 };
    const property = fc.property(CLUSTER, (cluster) => {
      const { plan } = decided(cluster);
      const starts = startedOf(plan);
      seen[starts.length > 0 ? 'started' : 'waited'] += 1;
      what(cluster, starts, plan);
    });
    fc.assert(property, { numRuns: 600 });
    expect(Math.min(seen.started, seen.waited), 'both have come up').to.be.above(50);
  };
  const policyOfNode = (cluster: DrawnCluster, one: Drawn) => (one.policy === 'two' ? cluster.two : cluster.one);
  /** All nodes that could start now, in the order of their policies and then of the queue. */
  const candidates = (cluster: DrawnCluster) => {
    if (cluster.held !== '' || cluster.nodes.filter(({ slot }) => slot).length >= cluster.maxDisrupted) return [];
    const policies = [['one', cluster.one] as const, ['two', cluster.two] as const].sort(
      ([, a], [, b]) => b.priority - a.priority,
    );
    return policies.flatMap(([name, policy]) =>
      cluster.nodes
        .map((one, index) => ({ one, index }))
        .filter(({ one }) => one.policy === name && isEligible(one, policy) && hasRoom(one, policy, cluster.nodes))
        .sort((a, b) => (orderOf(a.one, a.index) < orderOf(b.one, b.index) ? -1 : 1))
        .map(({ index }) => index),
    );
  };

  it('is one node at most', () => {
    check((_cluster, starts) => expect(starts).to.have.length.at.most(1));
  });

  it('is the first in the order of those that may, by an oracle written apart, and none if none may', () => {
    check((cluster, starts) => expect(starts).to.deep.equal(candidates(cluster).slice(0, 1)));
  });

  it('never makes more nodes unavailable than its policy allows, counting those that others took down', () => {
    check(({ nodes, ...cluster }, [start]) => {
      const one = start === undefined ? undefined : nodes[start];
      if (one === undefined) return;
      const own = nodes.filter((other) => other.policy === one.policy);
      const after = own.filter((other) => other === one || isDown(other)).length;
      expect(after).to.be.at.most(allowedOf(policyOfNode({ nodes, ...cluster }, one).max, own.length));
    });
  });

  it('is nothing while the lock is held, everything is paused, something else reboots nodes, or nothing was read anew', () => {
    check(({ held }, starts) => {
      if (held !== '') expect(starts).to.deep.equal([]);
    });
  });

  it('leaves every node that requires a reboot with a reason why it waits', () => {
    check(({ nodes }, starts, plan) => {
      for (const [index, one] of nodes.entries()) {
        if (!one.requires || one.policy === 'none' || one.slot || starts.includes(index)) continue;
        expect(plan.waiting.get(`n${index}`)?.blockers.length, `n${index}`).to.be.above(0);
      }
    });
  });

  it('is decided alike from the same cluster, and whatever the order in which it is read', () => {
    const comparable = ({ policies: _, ...plan }: Plan) => ({
      ...plan,
      waiting: [...plan.waiting].sort(([a], [b]) => (a < b ? -1 : 1)),
    });
    const property = fc.property(CLUSTER, (cluster) => {
      const { plan, snapshot } = decided(cluster);
      const again = decide(snapshot, new Timers(new Map(), snapshot.mono));
      expect(comparable(again)).to.deep.equal(comparable(plan));
      const reversed = {
        ...snapshot,
        nodes: new Map([...snapshot.nodes].reverse()),
        policies: [...snapshot.policies].reverse(),
      };
      expect(startedOf(decide(reversed, new Timers(new Map(), snapshot.mono)))).to.deep.equal(startedOf(plan));
    });
    fc.assert(property, { numRuns: 200 });
  });
});
