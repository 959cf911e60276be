import type { NodeView, Slot, Verdict } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';

const CONTROL_PLANE_LABELS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/** Whether a node carries a role label of the control plane, as kubeadm and the distributions set it. */
export function isControlPlane({ labels }: NodeView): boolean {
  return CONTROL_PLANE_LABELS.some((label) => label in labels);
}

/** Control-plane nodes go one at a time, and none while another one is NotReady: etcd must keep its quorum. */
export function controlPlaneBusy(nodes: ReadonlyMap<string, NodeView>, slots: readonly Slot[]) {
  const taken = new Set(slots.map(({ node }) => node));
  let down: string[] | undefined;
  const read = () =>
    [...nodes.values()]
      .filter((node) => isControlPlane(node) && (taken.has(node.name) || !node.ready))
      .map(({ name }) => name)
      .sort();
  return (candidate: NodeView): Verdict | null => {
    if (!isControlPlane(candidate)) return null;
    down ??= read();
    const others = down.filter((name) => name !== candidate.name);
    if (others.length === 0) return null;
    const message = 'Another control-plane node is out of service or NotReady; they go one at a time.';
    return { code: 'ControlPlaneBusy', message, nodes: others };
  };
}

/**
 * Whether a policy that keeps to one topology domain at a time has nodes of another domain out of service. A node
 * whose domain is not known does not start, since nobody can say which domain it would weaken.
 */
export function domainBusy({ nodes, rules }: ReadPolicy, slots: readonly Slot[]) {
  const key = rules?.topologyKey ?? '';
  const taken = new Set(slots.map(({ node }) => node));
  const ours = key === '' ? [] : nodes.filter(({ name }) => taken.has(name));
  return (candidate: NodeView): Verdict | null => {
    if (key === '') return null;
    const domain = candidate.labels[key];
    if (domain === undefined) {
      const message = `The node has no label ${key}, so its topology domain is not known (disruption.topologyKey).`;
      return { code: 'DomainUnknown', message };
    }
    const elsewhere = ours.filter((node) => node.name !== candidate.name && node.labels[key] !== domain);
    if (elsewhere.length === 0) return null;
    const message = `Nodes of another topology domain are out of service (disruption.topologyKey is ${key}).`;
    return { code: 'DomainBusy', message, nodes: elsewhere.map(({ name }) => name).sort() };
  };
}
