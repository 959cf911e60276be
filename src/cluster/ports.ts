import type { Pod } from '../api/objects.ts';
import type { EvictionOutcome, NodeReboot, NodeView, PodBudget, RebootPolicy, Replica, Slot } from '../core/model.ts';
import type { ObjectStep } from '../core/steps.ts';
import type { NodeRebootView } from '../core/views/nodeRebootView.ts';
import type { RebootPolicyView } from '../core/views/policyView.ts';

/** Something that people read with `kubectl describe` and `kubectl get events`. */
export interface Announcement {
  type: 'Normal' | 'Warning';
  /** A word for machines, such as RebootRequested. */
  reason: string;
  message: string;
  about: { apiVersion: string; kind: string; name: string; uid: string };
}

/** The lock as it is to be; `resourceVersion` null makes it anew. */
export interface LockWrite {
  epoch: number;
  slots: readonly Slot[];
  resourceVersion: string | null;
}

/** Everything that the controller does to the cluster. Nothing else leaves its process, but reads and leader election. */
export interface Effects {
  /** @throws ApiError 409 when the lock has changed since it was read */
  writeLock(write: LockWrite): Promise<void>;
  /** @throws ApiError 409 when the object has changed since it was read */
  perform(step: ObjectStep): Promise<void>;
  evict(pod: Pod, gracePeriodSeconds: number | null): Promise<EvictionOutcome>;
  /** Deletes exactly the pod that was listed, past its PodDisruptionBudgets. */
  deletePod(pod: Pod, gracePeriodSeconds: number | null): Promise<EvictionOutcome>;
  writeNodeRebootStatus(nodeReboot: NodeReboot, view: NodeRebootView): Promise<void>;
  writePolicyStatus(policy: RebootPolicy, view: RebootPolicyView): Promise<void>;
  announce(announcement: Announcement): Promise<void>;
}

/** Everything that the controller reads past its caches. */
export interface Reads {
  /** Reads all Nodes anew. */
  nodes(): Promise<readonly NodeView[]>;
  /** Reads one Node anew; undefined if it is gone. */
  node(name: string): Promise<NodeView | undefined>;
  /** Reads the pods of a node anew. */
  pods(node: string): Promise<readonly Pod[]>;
  /** `renewTime` of the Lease that a node's kubelet renews; empty if there is none. */
  leaseRenewTime(node: string): Promise<string>;
  /** The controller's own pods. */
  replicas(): Promise<readonly Replica[]>;
  /** All PodDisruptionBudgets. */
  budgets(): Promise<readonly PodBudget[]>;
  /** What the API server would say to an eviction; nothing is changed (`?dryRun=All`). */
  tryEviction(pod: Pod): Promise<EvictionOutcome>;
}
