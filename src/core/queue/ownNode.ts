import { slotsOf } from '../lock/lock.ts';
import type { Ask, NodeView, Snapshot, Verdict } from '../model.ts';
import { hasSlot, isSchedulable } from './budget.ts';

/** What has to happen before the node of the active controller may start. */
type OwnNode =
  | { kind: 'ask'; asks: readonly Ask[]; verdict: Verdict }
  | { kind: 'wait'; verdict: Verdict }
  /** Another replica is to lead first; its controller then drains this node as any other. */
  | { kind: 'handOver'; to: string; verdict: Verdict };

/** Whether this controller runs on a node. */
export function isOwn({ name }: NodeView, { self }: Snapshot): boolean {
  return self?.node === name;
}

/**
 * The node of the active controller: its drain would evict the controller half-way, so leadership goes first to a replica
 * that is Ready on another node which stays in service.
 */
export function ownNode(snapshot: Snapshot): OwnNode {
  const { replicas } = snapshot.answers;
  if (replicas === null) {
    const verdict = {
      code: 'ControllerNode',
      message: 'The active controller runs on the node; its replicas are read.',
    };
    return { kind: 'ask', asks: [{ kind: 'replicas' }], verdict };
  }
  const slots = slotsOf(snapshot.lock);
  const other = replicas.find(({ pod, node: name, ready }) => {
    const node = snapshot.nodes.get(name);
    return (
      ready &&
      pod !== snapshot.self?.pod &&
      name !== snapshot.self?.node &&
      node !== undefined &&
      isSchedulable(node) &&
      !hasSlot(node, slots)
    );
  });
  if (other === undefined) {
    const message =
      'The active controller runs on the node, and no other replica of it is Ready on another schedulable node that could take over. Run two replicas on different nodes, or set disruption.allowLastNode.';
    return { kind: 'wait', verdict: { code: 'ControllerNode', message } };
  }
  const verdict = {
    code: 'HandingOver',
    message: 'The active controller runs on the node and hands over to another replica first.',
  };
  return { kind: 'handOver', to: other.pod, verdict };
}
