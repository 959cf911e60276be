/** Builders of snapshots: a small cluster at rest, of which a test says only what it is about. */

import type { AgentReport, NodeRebootSpec, NodeRebootStatus } from '../../src/api/generated/nodereboot.ts';
import type { RebootPolicySpec } from '../../src/api/generated/rebootpolicy.ts';
import { POLICY_FINALIZER } from '../../src/api/names.ts';
import type { Pod } from '../../src/api/objects.ts';
import type { DrainContext } from '../../src/core/attempt/drain.ts';
import { decide, type Plan } from '../../src/core/decide.ts';
import type {
  Answers,
  DaemonSetView,
  LockState,
  NodeReboot,
  NodeView,
  RebootPolicy,
  Self,
  Slot,
  Snapshot,
} from '../../src/core/model.ts';
import { DEFAULTS, type DrainRules } from '../../src/core/policy/rules.ts';
import type { Attempt } from '../../src/core/steps.ts';
import { Timers } from '../../src/core/timers.ts';

/** A Monday, 12:00 UTC. */
export const NOON = Date.parse('2026-11-02T12:00:00Z');
export const LONG_AGO = '2026-01-01T00:00:00Z';

export function aNode(name: string, changes: Partial<NodeView> = {}): NodeView {
  return {
    name,
    uid: `uid-of-${name}`,
    resourceVersion: '10',
    labels: { role: 'worker' },
    annotations: {},
    createdAt: LONG_AGO,
    deleting: false,
    unschedulable: false,
    taints: [],
    unschedulableManagers: [],
    bootID: `boot-1-of-${name}`,
    ready: true,
    lastHeartbeatTime: '2026-11-02T11:59:50Z',
    ...changes,
  };
}

/** What our own cordon makes of a node. */
export function cordonedFor(attemptID: string, epoch = 1): Partial<NodeView> {
  return {
    unschedulable: true,
    unschedulableManagers: ['drydock-controller'],
    annotations: { 'drydock.dev/cordon': attemptID, 'drydock.dev/epoch': String(epoch) },
  };
}

export function aNodeReboot(
  name: string,
  spec: Partial<NodeRebootSpec> = {},
  status: NodeRebootStatus = {},
): NodeReboot {
  return {
    metadata: { name, uid: `nrb-of-${name}`, resourceVersion: '20', creationTimestamp: LONG_AGO },
    spec: { nodeUID: `uid-of-${name}`, ...spec },
    status: { ...status, agent: { ...anAgent(name), ...status.agent } },
  };
}

/** An agent that has seen no sentinel. */
export function anAgent(name: string, changes: Partial<AgentReport> = {}): AgentReport {
  return {
    bootID: `boot-1-of-${name}`,
    nodeUID: `uid-of-${name}`,
    version: '0.1.0',
    rebootRequired: false,
    reboot: { able: true, method: 'Testbed' },
    ...changes,
  };
}

/** What an agent adds to its report when it sees a sentinel. */
export function required(since = '2026-11-02T11:00:00Z'): Partial<AgentReport> {
  return { rebootRequired: true, since, changed: since, reasons: ['libc6'] };
}

export function aPolicy(spec: Partial<RebootPolicySpec> = {}, name = 'workers'): RebootPolicy {
  return {
    metadata: { name, uid: `policy-${name}`, resourceVersion: '30', generation: 1, creationTimestamp: LONG_AGO },
    spec: { nodeSelector: { matchLabels: { role: 'worker' } }, mode: 'Enforce', settle: '0s', ...spec },
  };
}

export function aSlot(node: string, changes: Partial<Slot> = {}): Slot {
  return {
    node,
    nodeUID: `uid-of-${node}`,
    policyUID: 'policy-workers',
    attemptID: `attempt-of-${node}`,
    fromBootID: `boot-1-of-${node}`,
    requested: '',
    ...changes,
  };
}

export function anAttempt(node: string, spec: Partial<RebootPolicySpec> = {}, changes: Partial<Attempt> = {}): Attempt {
  const policy = aPolicy(spec);
  return {
    id: `attempt-of-${node}`,
    epoch: 1,
    trigger: 'Sentinel',
    startedAt: '2026-11-02T11:58:00Z',
    policy: { name: 'workers', uid: 'policy-workers', generation: 1, spec: { ...policy.spec } },
    ...changes,
  };
}

export function aPod(
  name: string,
  changes: { metadata?: Partial<Pod['metadata']>; spec?: Pod['spec']; status?: Pod['status'] } = {},
): Pod {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'uid-of-web', controller: true };
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-of-${name}`,
      resourceVersion: '40',
      creationTimestamp: LONG_AGO,
      ownerReferences: [owner],
      ...changes.metadata,
    },
    spec: { nodeName: 'n1', ...changes.spec },
    status: { phase: 'Running', ...changes.status },
  };
}

/** What pods are judged by under a policy that says nothing, but for these rules. */
export function aDrain(rules: Partial<DrainRules> = {}, changes: Partial<DrainContext> = {}): DrainContext {
  const timers = new Timers(new Map(), 0);
  return {
    rules: { ...DEFAULTS.drain, ...rules },
    daemonSets: new Map(),
    spared: null,
    timers,
    kind: 'evict',
    ...changes,
  };
}

/** What a test says of its cluster. */
export interface Given {
  nodes?: readonly NodeView[];
  nodeReboots?: readonly NodeReboot[];
  policies?: readonly RebootPolicy[];
  slots?: readonly Slot[];
  lock?: LockState;
  answers?: Partial<Answers>;
  timers?: ReadonlyMap<string, number>;
  epoch?: number | null;
  inherited?: readonly string[];
  restored?: readonly string[];
  maxDisrupted?: number;
  daemonSets?: Readonly<Record<string, DaemonSetView>>;
  otherLocks?: readonly string[];
  self?: Self;
  namespaceAnnotations?: Record<string, string> | null;
  now?: number;
  mono?: number;
}

export function aSnapshot(given: Given): Snapshot {
  return {
    now: given.now ?? NOON,
    mono: given.mono ?? 1_000_000,
    ...objectsOf(given),
    daemonSets: new Map(Object.entries(given.daemonSets ?? {})),
    otherLocks: given.otherLocks ?? [],
    self: given.self ?? null,
    lock: given.lock ?? { kind: 'ok', resourceVersion: '50', epoch: 1, slots: given.slots ?? [], hold: null },
    namespaceAnnotations: given.namespaceAnnotations === undefined ? {} : given.namespaceAnnotations,
    epoch: given.epoch === undefined ? 1 : given.epoch,
    inherited: new Set(given.inherited),
    maxDisrupted: given.maxDisrupted ?? 1,
    nextAttemptID: 'attempt-new',
    jitter: 0.5,
    evictions: new Map(),
    restored: new Set(given.restored),
    answers: { ...NOTHING_ASKED, ...given.answers },
  };
}

function objectsOf(given: Given): Pick<Snapshot, 'nodes' | 'nodeReboots' | 'policies'> {
  const nodes = given.nodes ?? [aNode('n1'), aNode('spare', { labels: {} })];
  return {
    nodes: new Map(nodes.map((node) => [node.name, node])),
    nodeReboots: new Map((given.nodeReboots ?? []).map((object) => [object.metadata.name, object])),
    policies: (given.policies ?? [aPolicy()]).map((policy) => guardedFor(policy, given)),
  };
}

/** Nodes and people were read anew; there is no PodDisruptionBudget; nothing else has been asked. */
const NOTHING_ASKED: Answers = {
  nodesFresh: true,
  peopleFresh: true,
  gates: new Map(),
  pods: new Map(),
  podsFresh: new Set(),
  nodeFresh: new Set(),
  nodesGone: new Set(),
  leases: new Map(),
  replicas: null,
  budgets: [],
  dryRuns: new Map(),
};

/** A policy that has a slot has its finalizer, unless the test says which finalizers it has. */
function guardedFor(policy: RebootPolicy, { slots, lock }: Given): RebootPolicy {
  const held = slots ?? (lock?.kind === 'ok' ? lock.slots : []);
  const inFlight = held.some(({ policyUID }) => policyUID === policy.metadata.uid);
  if (!inFlight || policy.metadata.finalizers !== undefined) return policy;
  return { ...policy, metadata: { ...policy.metadata, finalizers: [POLICY_FINALIZER] } };
}

/** Decides, and gives the timers as well. */
export function decideOn(given: Given): { plan: Plan; timers: Timers; snapshot: Snapshot } {
  const snapshot = aSnapshot(given);
  const timers = new Timers(given.timers ?? new Map(), snapshot.mono);
  return { plan: decide(snapshot, timers), timers, snapshot };
}

/** The kinds of everything that a plan writes, in one list. */
export function writesOf(plan: Plan): string[] {
  return [
    ...plan.lockEdits.map(({ kind }) => kind),
    ...plan.steps.map(({ kind }) => kind),
    ...plan.stepsAfterLock.map(({ kind }) => kind),
  ];
}
