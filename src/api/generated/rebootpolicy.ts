// Made by tools/generate-types.ts from crds/rebootpolicies.yaml. Do not edit; run: node tools/generate-types.ts

import type { ObjectMeta } from '../objects.ts';

/**
 * A RebootPolicy says how nodes that ask for a reboot get one: which nodes, when, how many at a time, what must
 * hold before, and what is checked afterwards. No field of it is ever executed on a node. Which sentinel is watched
 * and how a node is rebooted are arguments of the agent's DaemonSet. The annotation drydock.dev/pause pauses a
 * policy; its value is a reason, optionally with until= and an RFC 3339 time. The annotation drydock.dev/resume
 * lets a halted policy go on.
 */
export interface RebootPolicy {
  /** drydock.dev/v1alpha1. */
  apiVersion?: string;
  /** RebootPolicy. */
  kind?: string;
  metadata: ObjectMeta;
  spec: RebootPolicySpec;
  status?: RebootPolicyStatus;
}

/** What is wanted. An attempt that is under way runs under the policy as it was when it began. */
export interface RebootPolicySpec {
  nodeSelector: LabelSelector;
  /**
   * Enforce reboots nodes. Report decides everything and writes its verdicts to the NodeReboots, but cordons, drains
   * and reboots nothing. There is no default, so that it is chosen.
   */
  mode: 'Enforce' | 'Report';
  /**
   * Which policy owns a node that several select: the one with the highest priority, among equals the oldest. Nodes
   * of higher priority also start first.
   */
  priority?: number;
  /**
   * Automatic lets nodes start by themselves. Manual waits, for each node and each reboot, until a person annotates
   * its NodeReboot with drydock.dev/approve.
   */
  approval?: 'Automatic' | 'Manual';
  /**
   * What happens while something else in the cluster also reboots nodes, such as kured or a second Drydock. Refuse
   * starts nothing and says what was found; Ignore says that this is known and goes on.
   */
  otherRebooters?: 'Refuse' | 'Ignore';
  /**
   * How long a sentinel must not have changed before its node is eligible, so that nobody reboots into a package
   * installation that is still running. A duration such as 90s, 5m or 1h30m, from 0s to 24h.
   */
  settle?: string;
  disruption?: Disruption;
  schedule?: Schedule;
  gates?: Gates;
  drain?: Drain;
  reboot?: Reboot;
  verification?: Verification;
  failure?: Failure;
}

/**
 * The nodes that this policy owns, by their labels. An empty selector ({}) selects every node. A node that several
 * policies select belongs to the one of the highest priority, among equals to the oldest, and the others say so.
 */
export interface LabelSelector {
  /** Labels that a node must have, each with exactly this value. */
  matchLabels?: Record<string, string>;
  /** Conditions on labels, all of which must hold. */
  matchExpressions?: LabelSelectorRequirement[];
}

/** One condition on one label. */
export interface LabelSelectorRequirement {
  /** The label's key. */
  key: string;
  /** How the label's value relates to values. */
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** The values for In and NotIn; empty for Exists and DoesNotExist. */
  values?: string[];
}

/** How many nodes may be out of service at a time. */
export interface Disruption {
  /**
   * How many nodes of this policy may be unavailable at a time, as a number (2) or as a share of the policy's nodes
   * ("30%"), which is rounded down but never below 1. Every node of the policy that is NotReady or cordoned counts,
   * whoever made it so; nodes that are being deleted and nodes that joined less than ten minutes ago and are not
   * Ready yet do not. The cluster-wide cap of the controller (--max-disrupted, 1 unless raised) applies as well.
   */
  maxUnavailable?: number | string;
  /**
   * The key of a node label, such as topology.kubernetes.io/zone. Only nodes with one and the same value of it are
   * out of service at a time because of this policy. Empty for no such limit.
   */
  topologyKey?: string;
  /** How long after a reboot by Drydock a node is not rebooted again, from 0s to 8760h. */
  minInterval?: string;
  /**
   * Whether a node may be drained although no other node is Ready and schedulable, as in a cluster of one node. Its
   * pods have nowhere to go until it is back. The pod of the active controller is then left on its node until the
   * reboot.
   */
  allowLastNode?: boolean;
}

/**
 * When disruption may start. Without windows it may start at any time outside the freezes. A reboot that the agent
 * has accepted is seen through; one that has not been accepted when its window ends is withdrawn and the node is
 * put back.
 */
export interface Schedule {
  /** The IANA time zone in which the windows' cron expressions are read, such as Europe/Berlin. */
  timeZone?: string;
  /** When disruption may start. Windows may overlap. */
  windows?: ScheduleWindow[];
  /**
   * How long a reboot is expected to take from its start to its end, from 1s to 24h. Nothing starts that is not
   * expected to end inside the window. After five reboots under the policy the longest of its last twenty is expected
   * instead, but no more than half of the longest window.
   */
  expectedDuration?: string;
  /** When nothing may start, whatever the windows say. */
  freezes?: ScheduleFreeze[];
}

/** A window that opens whenever the cron expression fires and stays open for the duration. */
export interface ScheduleWindow {
  /**
   * When the window opens: five fields (minute, hour, day of month, month, day of week), for example "0 22 * * FRI"
   * for Fridays at ten in the evening or "0 1 * * TUE#2" for the second Tuesday of the month at one. Sunday is 0, 7
   * or SUN. A time that a change of the clock skips comes at the end of the gap; one that comes twice counts the
   * first time.
   */
  cron: string;
  /** How long the window stays open, such as 4h. It may reach past midnight. From 1m to 744h. */
  duration: string;
}

/** A span of time in which nothing starts. */
export interface ScheduleFreeze {
  /** When the freeze begins (RFC 3339). */
  from: string;
  /** When the freeze ends (RFC 3339). */
  until: string;
  /** Why, for the people who read the verdicts. */
  reason: string;
}

/**
 * Conditions asked before a node starts and again before its reboot. A gate that cannot be asked blocks, and says
 * so.
 */
export interface Gates {
  /**
   * How long a gate may stay closed after the drain, from 1s to 24h. The drain itself may be what closes it: when
   * this has passed, the node is put back and tried again later.
   */
  recheckTimeout?: string;
  prometheus?: PrometheusGate;
}

/**
 * Blocks while Prometheus has active alerts. It is asked by GET /api/v1/query?query=ALERTS; no redirect is
 * followed, and link-local and cloud platform addresses are refused.
 */
export interface PrometheusGate {
  /**
   * The base URL of the Prometheus API, such as http://prometheus.monitoring:9090. It takes no user name and no
   * password; see auth.
   */
  url: string;
  auth?: PrometheusAuth;
  tls?: PrometheusTls;
  /**
   * How long Prometheus may take for its whole answer, from the look-up of its name to the last byte, from 1s to 60s.
   * After that the gate blocks and says so.
   */
  timeout?: string;
  alerts?: AlertRules;
}

/** How Drydock proves who it is. Without it, it sends no credentials. */
export interface PrometheusAuth {
  /**
   * None; Bearer sends the token in key "token" of the Secret; Basic sends the name and the password in its keys
   * "username" and "password".
   */
  type: 'None' | 'Bearer' | 'Basic';
  /**
   * A Secret in the controller's namespace. Its annotation drydock.dev/allowed-hosts has to name the host of the URL:
   * host names separated by commas, each with or without a port.
   */
  secretName?: string;
}

/** How Prometheus proves who it is, where the URL begins with https://. */
export interface PrometheusTls {
  caSecret?: SecretKeyRef;
}

/**
 * The certificate authorities to trust instead of the public ones, in PEM, in a Secret in the controller's
 * namespace. Its annotation drydock.dev/allowed-hosts has to name the host of the URL.
 */
export interface SecretKeyRef {
  /** The Secret's name. */
  name: string;
  /** The key in the Secret. */
  key?: string;
}

/** Which active alerts block. */
export interface AlertRules {
  /** An alert blocks only if one of these matches it. Without any, every alert blocks that is not ignored. */
  match?: AlertSelector[];
  /** An alert that one of these matches never blocks. The default leaves out the alerts that are meant to fire always. */
  ignore?: AlertSelector[];
  /** Whether pending alerts are left out, so that only firing ones block. */
  firingOnly?: boolean;
}

/** Says which alerts are meant, by their name, their labels, or both; all that is said must hold. */
export interface AlertSelector {
  /**
   * A regular expression (RE2 syntax) for the alert's name. It matches anywhere in the name; anchor it with ^ and $
   * for the whole name.
   */
  name?: string;
  /** Conditions on the alert's labels, all of which must hold. */
  labels?: LabelMatcher[];
}

/** One condition on one label, as in a PromQL selector. */
export interface LabelMatcher {
  /** The label's name. A label that an alert does not have is empty. */
  name: string;
  /**
   * Whether the label is equal to the value (=), is not (!=), matches it as a regular expression (=~), or does not
   * (!~).
   */
  operator: '=' | '!=' | '=~' | '!~';
  /** The value, or for =~ and !~ a regular expression (RE2 syntax) for the whole value. It may be empty. */
  value: string;
}

/** How pods are moved off a node before its reboot. */
export interface Drain {
  /** How long the drain of one node may take, from 1s to 24h. onTimeout says what happens when it passes. */
  timeout?: string;
  /**
   * The grace period given to every pod, in seconds. Unset, each pod gets its own. 0 means at once, without any
   * grace.
   */
  gracePeriodSeconds?: number;
  /**
   * Whether pods with emptyDir volumes are evicted; what these volumes hold is lost. If false, such a pod keeps its
   * node from being drained, and the verdict names it.
   */
  deleteEmptyDirData?: boolean;
  /**
   * Whether pods without a controller, or of a DaemonSet that is gone, are evicted; nothing will make them again. If
   * false, such a pod keeps its node from being drained, and the verdict names it.
   */
  force?: boolean;
  podSelector?: DrainPodSelector;
  /**
   * How long a pod that is being deleted is waited for, from 1s to 24h; afterwards the drain goes on without it. 0s
   * waits until the pod is gone.
   */
  skipWaitForDeleteTimeout?: string;
  /**
   * What happens when the drain has not ended in time. Abort puts the node back and tries again later; it does not
   * even cordon a node while PodDisruptionBudgets would not let its pods be evicted. Delete deletes the pods that are
   * left, past their PodDisruptionBudgets, for as long again; the controller needs the right to delete pods for it,
   * which it has not by default (manifests/overlays/drain-delete.yaml gives it). Reboot reboots the node with the
   * pods that are left on it.
   */
  onTimeout?: 'Abort' | 'Delete' | 'Reboot';
  /** How many pods of one node are evicted at a time. */
  maxParallelEvictions?: number;
}

/**
 * Which pods are moved off the node, by their labels; all others stay until the reboot. An empty selector ({})
 * selects every pod. Pods of DaemonSets, mirror pods and finished pods always stay.
 */
export interface DrainPodSelector {
  /** Labels that a pod must have, each with exactly this value. */
  matchLabels?: Record<string, string>;
  /** Conditions on labels, all of which must hold. */
  matchExpressions?: DrainPodSelectorMatchExpression[];
}

/** One condition on one label. */
export interface DrainPodSelectorMatchExpression {
  /** The label's key. */
  key: string;
  /** How the label's value relates to values. */
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** The values for In and NotIn; empty for Exists and DoesNotExist. */
  values?: string[];
}

/** The reboot itself. */
export interface Reboot {
  /** How long the agent waits between accepting the reboot and ordering it, from 0s to 1h. */
  delay?: string;
  /**
   * How long a node may take from accepting the reboot to coming back with a new boot ID, from 1s to 24h. A node that
   * takes longer is Failed: it keeps its cordon and its slot until it comes back.
   */
  timeout?: string;
}

/** What must hold after the reboot before the node is handed back and the next may start. */
export interface Verification {
  /**
   * How long a rebooted node may take to be Ready and to have its agent back, from 1s to 24h. A node that takes
   * longer is Failed: it keeps its cordon and its slot until it recovers.
   */
  readyTimeout?: string;
  /** Whether the DaemonSet pods that were Ready before the reboot must be Ready again. */
  daemonSets?: boolean;
  /** How long all of it must go on holding before the node is handed back, from 0s to 24h. */
  soak?: string;
}

/** What follows when attempts fail. */
export interface Failure {
  backoff?: FailureBackoff;
  /**
   * At how many Failed nodes the policy halts: then nothing more starts until a person annotates it with
   * drydock.dev/resume. Nodes that accepted a reboot and did not come back keep their slots, so the cap of the
   * controller (--max-disrupted) may stop the policy before this does.
   */
  maxFailed?: number;
}

/** How long a node waits after an attempt that ended without a reboot. The wait doubles with each further one. */
export interface FailureBackoff {
  /** The wait after the first one, from 1s to 24h. */
  first?: string;
  /** The longest wait, from 1s to 24h. */
  max?: string;
}

/** What Drydock last saw and decided. Written by the controller. */
export interface RebootPolicyStatus {
  /** The generation of the spec that this status is about. */
  observedGeneration?: number;
  /**
   * Ready: the policy is understood and in force. Progressing: a node is in flight. Blocked: nodes wait and none may
   * start; the reason and the message say why. Halted: too many nodes are Failed, and nothing starts until a person
   * annotates the policy with drydock.dev/resume.
   */
  conditions?: Condition[];
  nodes?: NodeCounts;
  /** The nodes that have a slot now. */
  inFlight?: string[];
  /** What keeps nodes of the policy waiting, the most frequent first, each with the nodes that it keeps. */
  blockers?: Blocker[];
  /** When disruption may next start. Absent inside a window and where no windows are set. */
  nextWindow?: string;
}

/** One aspect of the present state. */
export interface Condition {
  /** Which aspect. */
  type: string;
  /** Whether it holds. */
  status: 'True' | 'False' | 'Unknown';
  /** A word for machines. */
  reason: string;
  /** A sentence for people. */
  message: string;
  /** When the status last changed. */
  lastTransitionTime: string;
  /** The generation of the spec that the condition is about. */
  observedGeneration?: number;
}

/** How many nodes are in which state. */
export interface NodeCounts {
  /** Nodes that the policy owns. */
  selected?: number;
  /** Nodes that require a reboot and wait for their turn. */
  pending?: number;
  /** Nodes that have a slot. */
  inFlight?: number;
  /** Nodes that are Failed. */
  failed?: number;
  /** Nodes that are NotReady or cordoned, whoever made them so. */
  unavailable?: number;
}

/** One thing in the way. */
export interface Blocker {
  /** A word for machines. */
  code: string;
  /** A sentence for people. */
  message: string;
  /** Nodes that it keeps waiting; at most ten are named. */
  nodes: string[];
}
