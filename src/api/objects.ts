import type { LabelSelector } from './generated/rebootpolicy.ts';

/**
 * The parts of Kubernetes objects that Drydock reads, as they are on the wire (times are RFC 3339 strings).
 * client-node's models are not used for them: they turn times into Dates and drop fields that they do not know.
 */

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: string;
  subresource?: string;
  fieldsV1?: Record<string, unknown>;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}

export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

export interface NodeCondition {
  type: string;
  status: string;
  reason?: string;
  lastHeartbeatTime?: string;
  lastTransitionTime?: string;
}

export interface Node extends KubeObject {
  spec?: { unschedulable?: boolean; taints?: { key: string; value?: string; effect: string }[] };
  status?: { nodeInfo?: { bootID?: string }; conditions?: NodeCondition[] };
}

export interface PodVolume {
  name: string;
  emptyDir?: object;
}

export interface Pod extends KubeObject {
  spec?: { nodeName?: string; volumes?: PodVolume[] };
  status?: { phase?: string; conditions?: { type: string; status: string }[] };
}

export interface DaemonSet extends KubeObject {
  spec?: {
    template?: {
      spec?: {
        hostPID?: boolean;
        volumes?: { hostPath?: object }[];
        containers?: { image?: string; securityContext?: { privileged?: boolean } }[];
      };
    };
  };
  status?: { desiredNumberScheduled?: number };
}

export interface PodDisruptionBudget extends KubeObject {
  spec?: { selector?: LabelSelector };
  status?: { disruptionsAllowed?: number };
}

export interface Secret extends KubeObject {
  /** By key, in base64. */
  data?: Record<string, string>;
}

export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string | null;
    leaseDurationSeconds?: number | null;
    acquireTime?: string | null;
    renewTime?: string | null;
    leaseTransitions?: number | null;
  };
}

/** A condition of a Drydock resource, as in Kubernetes' own API. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}
