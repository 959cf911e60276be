// Made by tools/generate-types.ts from crds/rebootpolicies.yaml. Do not edit; run: node tools/generate-types.ts

import type { ObjectMeta } from '../objects.ts';

/**
 * A RebootPolicy says how nodes that ask for a reboot get one: which nodes, when, how many at a time, what must
 * hold before, and what is checked afterwards. No field of it is ever executed on a node. Which sentinel is watched
 * and how a node is rebooted are arguments of the agent's DaemonSet. The annotation drydock.dev/pause pauses a
 * policy; its value is a reason, optionally with until= and an RFC 3339 time.
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
}

/**
 * The nodes that this policy owns, by their labels. An empty selector ({}) selects every node. A node that several
 * policies select belongs to the oldest of them, and the others say so.
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
   * How many nodes of this policy may be unavailable at a time. Every node of the policy that is NotReady or cordoned
   * counts, whoever made it so. The cluster-wide cap of the controller (--max-disrupted, 1 unless raised) applies as
   * well.
   */
  maxUnavailable?: number;
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
  /** When nothing may start, whatever the windows say. */
  freezes?: ScheduleFreeze[];
}

/** A window that opens whenever the cron expression fires and stays open for the duration. */
export interface ScheduleWindow {
  /**
   * When the window opens: five fields (minute, hour, day of month, month, day of week), for example "0 22 * * FRI"
   * for Fridays at ten in the evening or "0 1 * * TUE#2" for the second Tuesday of the month at one.
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
  prometheus?: PrometheusGate;
}

/** Blocks while Prometheus has active alerts. */
export interface PrometheusGate {
  /**
   * The base URL of the Prometheus API, such as http://prometheus.monitoring:9090. It takes no user name and no
   * password.
   */
  url: string;
  alerts?: AlertRules;
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

/** Says which alerts are meant. */
export interface AlertSelector {
  /**
   * A regular expression (RE2 syntax) for the alert's name. It matches anywhere in the name; anchor it with ^ and $
   * for the whole name.
   */
  name: string;
}

/** How pods are moved off a node before its reboot. */
export interface Drain {
  /**
   * How long the drain of one node may take, from 1s to 24h. When it passes, the node is uncordoned and tried again
   * later.
   */
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
   * Whether pods without a controller are evicted; nothing will make them again. If false, such a pod keeps its node
   * from being drained, and the verdict names it.
   */
  force?: boolean;
}

/** The reboot itself. */
export interface Reboot {
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
}

/** What Drydock last saw and decided. Written by the controller. */
export interface RebootPolicyStatus {
  /** The generation of the spec that this status is about. */
  observedGeneration?: number;
  /**
   * Ready: the policy is understood and in force. Progressing: a node is in flight. Blocked: nodes wait and none may
   * start; the reason and the message say why.
   */
  conditions?: Condition[];
  nodes?: NodeCounts;
  /** The nodes that have a slot now. */
  inFlight?: string[];
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
