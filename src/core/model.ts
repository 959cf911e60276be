import type { NodeRebootSpec, NodeRebootStatus } from '../api/generated/nodereboot.ts';
import type { Gates, LabelSelector, RebootPolicySpec, RebootPolicyStatus } from '../api/generated/rebootpolicy.ts';
import type { KubeObject, Pod } from '../api/objects.ts';

/** What decisions need to know of a Node, and no more: the controller keeps one per node of the cluster. */
export interface NodeView {
  name: string;
  uid: string;
  resourceVersion: string;
  labels: Readonly<Record<string, string>>;
  /** Only those of Drydock (`drydock.dev/…`). */
  annotations: Readonly<Record<string, string>>;
  createdAt: string;
  deleting: boolean;
  unschedulable: boolean;
  /** Taints that keep pods away, but for those that Kubernetes sets by itself: `key=value:effect`. */
  taints: readonly string[];
  /** The field managers that own `spec.unschedulable`, sorted. */
  unschedulableManagers: readonly string[];
  /** The kubelet's boot ID; empty while it has not reported one. */
  bootID: string;
  ready: boolean;
  /** When the kubelet last vouched for the Ready condition, as written; empty if never. */
  lastHeartbeatTime: string;
}

export interface NodeReboot extends KubeObject {
  spec: NodeRebootSpec;
  status?: NodeRebootStatus;
}

export interface RebootPolicy extends KubeObject {
  spec: RebootPolicySpec;
  status?: RebootPolicyStatus;
}

/** The right to disrupt one node: the write-ahead record of an attempt. */
export interface Slot {
  node: string;
  nodeUID: string;
  policyUID: string;
  attemptID: string;
  /** The boot that is to end. */
  fromBootID: string;
  /** The UID of the NodeReboot that was asked to reboot; empty until then. */
  requested: string;
}

/** The cluster lock as read. Only `ok` allows anything to start. */
export type LockState =
  | { kind: 'missing' }
  | { kind: 'unreadable'; resourceVersion: string; why: string }
  | { kind: 'newer'; format: string }
  | { kind: 'ok'; resourceVersion: string; epoch: number; slots: readonly Slot[]; hold: LockHold | null };

/** The lock held from outside Drydock by `spec.holderIdentity`. */
export interface LockHold {
  holder: string;
  renewTime: string;
  durationSeconds: number;
}

/** An outcome of a decision: a word for machines and a sentence for people, without counters or clocks. */
export interface Verdict {
  code: string;
  message: string;
  /** Nodes that it is about; said once, of the policy, since every waiting node would have to be written at each change. */
  nodes?: readonly string[];
  /** Epoch milliseconds of the fixed instant at which it will be looked at again. */
  nextCheck?: number;
}

/** The API server's answer to one eviction. */
export type EvictionOutcome =
  /** Granted, or the pod that we listed is no longer there. */
  | { kind: 'granted' }
  /** 429 with the cause DisruptionBudget: a PodDisruptionBudget has none to give. */
  | { kind: 'budget'; message: string; retryAfterMs: number }
  /** 429 without that cause: the API server protects itself. */
  | { kind: 'throttled'; retryAfterMs: number }
  /** 500: two budgets select the pod, which only a person can mend. */
  | { kind: 'manyBudgets' }
  | { kind: 'error'; message: string };

/** What was learnt of one pod's eviction or deletion; times are monotonic milliseconds. */
export interface EvictionRecord {
  kind: 'evict' | 'deletePods';
  tries: number;
  notBefore: number;
  /** Why the last try was refused; empty when it was granted. */
  refusal: string;
}

/** A DaemonSet as far as decisions care. */
export interface DaemonSetView {
  uid: string;
  /** The name of the product if it is one that reboots nodes; empty otherwise. */
  rebooter: string;
}

/** Where this controller runs. */
export interface Self {
  node: string;
  namespace: string;
  pod: string;
}

/** A pod of the controller. */
export interface Replica {
  pod: string;
  node: string;
  ready: boolean;
}

/** A PodDisruptionBudget as far as decisions care. */
export interface PodBudget {
  namespace: string;
  /** Null selects no pod. */
  selector: LabelSelector | null;
  disruptionsAllowed: number;
}

/** What a decision may ask to be read before it is made again. */
export type Ask =
  | { kind: 'nodes' }
  | { kind: 'gates'; key: string; gates: Gates }
  | { kind: 'pods'; node: string; fresh: boolean }
  | { kind: 'node'; node: string }
  | { kind: 'lease'; node: string }
  /** Policies and the operator's namespace: where people may have said stop. */
  | { kind: 'people' }
  /** The controller's own pods. */
  | { kind: 'replicas' }
  | { kind: 'budgets' }
  /** What the API server would say to the eviction of these pods of a node. */
  | { kind: 'dryRun'; node: string; pods: readonly Pod[] };

/** What was read in answer to asks, within one cycle. */
export interface Answers {
  /** Whether `snapshot.nodes` was read from the API server in this cycle, past every cache. */
  nodesFresh: boolean;
  /** Whether policies and the operator's namespace were read past every cache in this cycle. */
  peopleFresh: boolean;
  gates: ReadonlyMap<string, Verdict | null>;
  pods: ReadonlyMap<string, readonly Pod[]>;
  /** Nodes whose pods, and nodes that themselves, were read past every cache in this cycle. */
  podsFresh: ReadonlySet<string>;
  nodeFresh: ReadonlySet<string>;
  /** Nodes that were found to be gone: a cache may still have them. */
  nodesGone: ReadonlySet<string>;
  /** `renewTime` of the nodes' Leases, as written; empty where there is none. */
  leases: ReadonlyMap<string, string>;
  /** Null until read. */
  replicas: readonly Replica[] | null;
  /** Null until read. */
  budgets: readonly PodBudget[] | null;
  /** By pod UID. */
  dryRuns: ReadonlyMap<string, EvictionOutcome>;
}

/** Everything that one decision is made from. */
export interface Snapshot {
  /** Wall clock, epoch milliseconds: for windows, freezes, `until` and for what people read. */
  now: number;
  /** Monotonic clock, milliseconds: for every time-out. */
  mono: number;
  nodes: ReadonlyMap<string, NodeView>;
  nodeReboots: ReadonlyMap<string, NodeReboot>;
  policies: readonly RebootPolicy[];
  /** By `namespace/name`. */
  daemonSets: ReadonlyMap<string, DaemonSetView>;
  /** Namespaces, but for our own, that have a cluster lock: another Drydock's. */
  otherLocks: readonly string[];
  /** Null where it is not known, as outside of a cluster. */
  self: Self | null;
  lock: LockState;
  /** Annotations of the operator's namespace; null when they could not be read. */
  namespaceAnnotations: Readonly<Record<string, string>> | null;
  /** This leadership's epoch; null until it has claimed one. */
  epoch: number | null;
  /** The attempts that this leadership found when it claimed the lock and has not adopted yet. */
  inherited: ReadonlySet<string>;
  /** The cap over all policies, in nodes. */
  maxDisrupted: number;
  /** An ID for the attempt that may begin in this cycle. */
  nextAttemptID: string;
  /** From 0 to 1; spreads retries. */
  jitter: number;
  evictions: ReadonlyMap<string, EvictionRecord>;
  /** Attempts whose Node this leadership has put back, and the API server has said so. */
  restored: ReadonlySet<string>;
  answers: Answers;
}
