import type { NodeReboot, NodeView, RebootPolicy } from '../model.ts';
import type { Stop } from './pause.ts';

/** Every place where a person may have stopped a node, the widest first. */
export function stopsOf(
  namespace: Readonly<Record<string, string>> | null,
  policy: RebootPolicy | undefined,
  node: NodeView,
  nodeReboot: NodeReboot | undefined,
): Stop[] {
  const places = [
    { where: 'Everything', annotations: namespace ?? undefined },
    { where: `RebootPolicy ${policy?.metadata.name}`, annotations: policy?.metadata.annotations },
    { where: `Node ${node.name}`, annotations: node.annotations },
    { where: `NodeReboot ${node.name}`, annotations: nodeReboot?.metadata.annotations },
  ];
  return places.flatMap((place) => [
    { annotation: 'pause' as const, ...place },
    { annotation: 'hold' as const, ...place },
  ]);
}
