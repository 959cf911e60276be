// Made by tools/generate-types.ts from crds/nodereboots.yaml. Do not edit; run: node tools/generate-types.ts

import type { ObjectMeta } from '../objects.ts';

/**
 * A NodeReboot is where the controller and the agent of one node meet. The controller asks in spec, the agent
 * answers in status.agent. Drydock makes one for every node that a policy selects; it has the node's name and goes
 * with the node. People read it, and annotate it: drydock.dev/pause and drydock.dev/hold stop the node,
 * drydock.dev/approve lets it start, drydock.dev/reboot-now reboots it without a sentinel and outside the windows,
 * drydock.dev/release with the ID of a Failed attempt gives that attempt up. They need not edit it.
 */
export interface NodeReboot {
  /** drydock.dev/v1alpha1. */
  apiVersion?: string;
  /** NodeReboot. */
  kind?: string;
  metadata: ObjectMeta;
  spec: NodeRebootSpec;
  status?: NodeRebootStatus;
}

/** What the controller asks of the agent. Written by the controller only. */
export interface NodeRebootSpec {
  /** The UID of the Node that this object belongs to. It never changes. */
  nodeUID: string;
  attempt?: Attempt;
  prepare?: Prepare;
  reboot?: Reboot;
  grant?: Grant;
}

/** The attempt under way; absent between attempts. */
export interface Attempt {
  /** Names the attempt everywhere, in the lock, on the Node, in logs and events. */
  id: string;
  /** The leadership that speaks for the attempt. */
  epoch: number;
  /** What asked for the reboot. */
  trigger: 'Sentinel' | 'Person';
  /** When the slot was taken, by the controller's clock. */
  startedAt: string;
  /** Why the reboot was required when the attempt began. */
  reasons?: string[];
  policy: AttemptPolicy;
  /** Whether somebody else had cordoned the node when the attempt began; that cordon is kept. */
  cordonedBefore?: boolean;
  escalation?: AttemptEscalation;
  failure?: AttemptFailure;
  ending?: AttemptEnding;
}

/** The policy as it was when the slot was taken; the attempt runs under this copy. */
export interface AttemptPolicy {
  /** The policy's name. */
  name: string;
  /** The policy's UID. */
  uid: string;
  /** The policy's generation. */
  generation: number;
  /** The policy's spec. */
  spec: Record<string, unknown>;
}

/** What the drain's deadline led to, where the policy says so (drain.onTimeout). */
export interface AttemptEscalation {
  /** Delete deletes the pods that are left; Reboot reboots with them. */
  kind: 'Delete' | 'Reboot';
  /** When, by the controller's clock. */
  at: string;
}

/**
 * Why the attempt is Failed: the agent accepted, and the node did not come back, or not well, in time. It heals by
 * itself if the node still does; or a person releases it by annotating the NodeReboot with drydock.dev/release and
 * the attempt's ID.
 */
export interface AttemptFailure {
  /** A word for machines. */
  code: string;
  /** A sentence for people. */
  message: string;
  /** When, by the controller's clock. */
  at: string;
}

/**
 * Why the attempt is being given up. Once this is set, the attempt goes on only to its end: the node is put back
 * and the slot is freed, whatever changes meanwhile.
 */
export interface AttemptEnding {
  /** A word for machines. */
  code: string;
  /** A sentence for people. */
  message: string;
}

/** Asks the agent whether it could reboot the node. */
export interface Prepare {
  /** The attempt that asks. */
  attemptID: string;
}

/** Asks the agent to reboot the node. Written only while the node is cordoned and drained. */
export interface Reboot {
  /** The attempt that asks. */
  attemptID: string;
  /** The boot that is to end. An agent in another boot refuses. */
  fromBootID: string;
  /** The UID of this NodeReboot. An agent that reads it from another object refuses. */
  nodeRebootUID: string;
  /** How long the agent waits between accepting and ordering, in seconds. */
  delaySeconds: number;
  /** The agent orders no later than this after it accepted, in seconds of the node's boot-time clock. */
  timeoutSeconds: number;
  baseline: RebootBaseline;
}

/** What was true before the reboot, so that what comes after can be told from it. */
export interface RebootBaseline {
  /** The heartbeat of the Node's Ready condition, as it was written. */
  lastHeartbeatTime?: string;
  /** When the Node's Lease was last renewed, as it was written. */
  leaseRenewTime?: string;
  /** The DaemonSet pods that were Ready before the cordon, as namespace/name of their DaemonSet. */
  daemonSetPods?: string[];
}

/** A permission that a person gave by annotation. It lapses with the reboot. */
export interface Grant {
  /** What was permitted. */
  kind: 'Approve' | 'RebootNow';
  /** The boot for which it was given. */
  bootID: string;
  /** When the controller saw it, by its own clock. */
  at: string;
}

/** What the agent reports (agent) and what the controller derived for people (all else). */
export interface NodeRebootStatus {
  agent?: AgentReport;
  /** Where the node is on its way, for people. Never read by Drydock. */
  phase?:
    'Idle' | 'Pending' | 'Preparing' | 'Cordoning' | 'Draining' | 'Rebooting' | 'Verifying' | 'Uncordoning' | 'Failed';
  verdict?: Verdict;
  drain?: Drain;
  /** The steps of the attempt under way, or of the last one, with the time at which each was noted. */
  conditions?: Condition[];
  /** The last attempts, newest first. Memory; losing it makes Drydock slower, never unsafe. */
  history?: HistoryEntry[];
  backoff?: Backoff;
}

/** What the agent of this node reports. Written by that agent only. */
export interface AgentReport {
  /** The boot that the agent runs in. */
  bootID?: string;
  /** The Node's UID, from the agent's own token. */
  nodeUID?: string;
  /** The version of the agent. */
  version?: string;
  /** Whether a sentinel is there. */
  rebootRequired?: boolean;
  /** When the sentinel was first seen in this boot, by the node's clock. */
  since?: string;
  /**
   * When the sentinel was there in this boot at the latest, in seconds of the node's boot-time clock: when it was
   * first seen, or earlier if the kernel has stamped the file earlier.
   */
  sinceUptime?: number;
  /** When the sentinel last changed, by the node's clock. Compared for change only. */
  changed?: string;
  /** What asked for the reboot, such as the packages listed beside the sentinel. */
  reasons?: string[];
  reboot?: AgentReboot;
  prepared?: AgentPrepared;
  /** The attempt whose request the agent accepted. */
  accepted?: string;
  /** When it accepted, in seconds of the node's boot-time clock. */
  acceptedUptime?: number;
  /** How many times the rebooter has been given the accepted order. */
  orders?: number;
  failed?: AgentFailed;
}

/** Whether this agent can have its node rebooted. */
export interface AgentReboot {
  /** How the rebooter reboots. */
  method?: string;
  /** Whether its last probe said that a reboot is possible. */
  able: boolean;
  /** If not, why not. */
  reason?: string;
}

/** The answer to spec.prepare. */
export interface AgentPrepared {
  /** The attempt that asked. */
  attemptID: string;
  /** Whether the rebooter answered that a reboot is possible. */
  able: boolean;
  /** If not, why not. */
  reason?: string;
}

/** The attempt whose reboot is known not to happen. */
export interface AgentFailed {
  /** The attempt that failed. */
  attemptID: string;
  /** Why. */
  reason: string;
}

/** Why the node is not rebooting now, or what its attempt waits for. For people, never read by Drydock. */
export interface Verdict {
  /** A word for machines. */
  code: string;
  /** A sentence for people. */
  message: string;
  /** When it will be looked at again, where that is a fixed instant. */
  nextCheck?: string;
  /** Everything that stands in the way, the first one being the verdict's own. */
  blockers?: VerdictBlocker[];
}

/** One thing in the way. */
export interface VerdictBlocker {
  /** A word for machines. */
  code: string;
  /** A sentence for people. */
  message: string;
}

/** How far the drain is, for people. */
export interface Drain {
  /** Pods that are still on the node. */
  podsLeft?: number;
  /** Pods that cannot be evicted now and what keeps them, such as a PodDisruptionBudget. */
  waitingFor?: string[];
}

/** One step. */
export interface Condition {
  /** Which step. */
  type: string;
  /** Whether it is done. */
  status: 'True' | 'False' | 'Unknown';
  /** A word for machines. */
  reason: string;
  /** A sentence for people. */
  message: string;
  /** When the status last changed. */
  lastTransitionTime: string;
}

/** One attempt that has ended. */
export interface HistoryEntry {
  /** The attempt. */
  attemptID: string;
  /** How it ended. */
  outcome: 'Rebooted' | 'Interrupted' | 'Failed';
  /** A word for machines. */
  code: string;
  /** A sentence for people. */
  message: string;
  /** The policy that it ran under. */
  policy?: string;
  /** What asked for the reboot. */
  trigger?: 'Sentinel' | 'Person';
  /** Whether the attempt had been Failed before the node came back. */
  healed?: boolean;
  /** When the slot was taken. */
  startedAt: string;
  /** When the node was put back. */
  endedAt: string;
  /** The boot before. */
  fromBootID?: string;
  /** The boot after. */
  toBootID?: string;
  /** Why the reboot was required. */
  reasons?: string[];
}

/** When the node may be tried again after an attempt that ended without a reboot. Memory. */
export interface Backoff {
  /** How many attempts in a row ended without a reboot. */
  failures: number;
  /** Not before this, by the controller's clock. */
  until: string;
  /** What ended the last of them. */
  code?: string;
}
