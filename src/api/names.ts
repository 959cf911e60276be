/** Names that appear in the cluster. Each is part of Drydock's interface and is spelled here only. */

export const GROUP = 'drydock.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** The field manager of every write of the controller; a cordon is ours only while it alone owns `f:unschedulable`. */
export const CONTROLLER_MANAGER = 'drydock-controller';
export const AGENT_MANAGER = 'drydock-agent';

export const ANNOTATIONS = {
  /** On a Node that we cordoned: the attempt that did. */
  cordon: 'drydock.dev/cordon',
  /** On a Node that has a slot, and on the lock: the leadership that speaks. */
  epoch: 'drydock.dev/epoch',
  /** On people's objects: a reason, optionally `until=<RFC 3339>`. */
  pause: 'drydock.dev/pause',
  hold: 'drydock.dev/hold',
  /** On a NodeReboot, by a person: lets it start under `approval: Manual`; reboots it without a sentinel. */
  approve: 'drydock.dev/approve',
  rebootNow: 'drydock.dev/reboot-now',
  /** On the NodeReboot of a Failed attempt, by a person: the ID of the attempt to give up. */
  release: 'drydock.dev/release',
  /** On a Node whose attempt a person released: the boot that the attempt was to end, whose reboot may come late. */
  releasedBoot: 'drydock.dev/released-boot',
  /** On a RebootPolicy: why it halted (by the controller), that it may go on (by a person), and which attempts that person knew of. */
  halted: 'drydock.dev/halted',
  resume: 'drydock.dev/resume',
  acknowledged: 'drydock.dev/acknowledged',
  /** On a Secret that gates use: the hosts that it is for. */
  allowedHosts: 'drydock.dev/allowed-hosts',
  /** On the lock. */
  format: 'drydock.dev/format',
  slots: 'drydock.dev/slots',
} as const;

/** On a Node that we cordoned, so that `kubectl get nodes -l drydock.dev/cordoned` finds it without a controller. */
export const CORDONED_LABEL = 'drydock.dev/cordoned';

/** On a RebootPolicy while one of its nodes has a slot. */
export const POLICY_FINALIZER = 'drydock.dev/in-flight';

/** The labels of the controller's own pods, by which its replicas are found. */
export const CONTROLLER_LABELS = 'app.kubernetes.io/name=drydock,app.kubernetes.io/component=controller';

/** The Lease that holds the cluster lock, and the one of leader election, in the operator's namespace. */
export const LOCK_LEASE = 'drydock-lock';
export const LEADER_LEASE = 'drydock-leader';

/** The oldest format of the lock that the release before this one reads. */
export const LOCK_FORMAT = 1;
/** As many slots as the lock may hold: the annotation stays far below the API server's limit. */
export const MAX_SLOTS = 200;
