import { GROUP, VERSION } from '../api/names.ts';

/** The API paths that Drydock uses, each in one place. */
export const NODES = '/api/v1/nodes';
export const PODS = '/api/v1/pods';
export const DAEMON_SETS = '/apis/apps/v1/daemonsets';
export const POD_DISRUPTION_BUDGETS = '/apis/policy/v1/poddisruptionbudgets';
export const LEASES = '/apis/coordination.k8s.io/v1/leases';
export const NODE_REBOOTS = `/apis/${GROUP}/${VERSION}/nodereboots`;
export const REBOOT_POLICIES = `/apis/${GROUP}/${VERSION}/rebootpolicies`;

export const node = (name: string): string => `${NODES}/${name}`;
export const nodeReboot = (name: string): string => `${NODE_REBOOTS}/${name}`;
export const nodeRebootStatus = (name: string): string => `${NODE_REBOOTS}/${name}/status`;
export const rebootPolicy = (name: string): string => `${REBOOT_POLICIES}/${name}`;
export const rebootPolicyStatus = (name: string): string => `${REBOOT_POLICIES}/${name}/status`;
export const namespace = (name: string): string => `/api/v1/namespaces/${name}`;
export const secret = (namespaceName: string, name: string): string =>
  `/api/v1/namespaces/${namespaceName}/secrets/${encodeURIComponent(name)}`;
export const leases = (namespaceName: string): string =>
  `/apis/coordination.k8s.io/v1/namespaces/${namespaceName}/leases`;
export const lease = (namespaceName: string, name: string): string => `${leases(namespaceName)}/${name}`;
/** The Lease that a kubelet renews. */
export const nodeLease = (name: string): string => lease('kube-node-lease', name);
export const pods = (namespaceName: string): string => `/api/v1/namespaces/${namespaceName}/pods`;
export const pod = (namespaceName: string, name: string): string => `${pods(namespaceName)}/${name}`;
export const eviction = (namespaceName: string, pod: string): string =>
  `/api/v1/namespaces/${namespaceName}/pods/${pod}/eviction`;
/** Events about cluster-scoped objects live in the namespace `default`. */
export const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events';
