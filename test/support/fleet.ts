/** Fleets of nodes that all require a reboot. */

import { aNode, aNodeReboot, decideOn, type Given, required } from './cluster.ts';

/** A node of no policy. */
export const SPARE = aNode('spare', { labels: {} });
/** A node that requires a reboot. */
export const waits = (name: string, since?: string) => aNodeReboot(name, {}, { agent: required(since) });

/** Some nodes that all require a reboot, and one of no policy. */
export function fleet(names: readonly string[], changes: Given = {}): Given {
  return {
    nodes: [...names.map((name) => aNode(name)), SPARE],
    nodeReboots: names.map((name) => waits(name)),
    answers: { nodesFresh: true },
    ...changes,
  };
}

/** The nodes that get a slot. */
export const started = (given: Given) =>
  decideOn(given).plan.lockEdits.flatMap((edit) => (edit.kind === 'take' ? edit.slot.node : []));
/** The codes of all that keeps a node. */
export const why = (given: Given, node: string) =>
  decideOn(given)
    .plan.waiting.get(node)
    ?.blockers.map(({ code }) => code);
