/** A number of nodes, or a share of them. */
export type Share = { nodes: number } | { percent: number };

/** A share that cannot be read; the message says what to write. */
export class InvalidShare extends Error {
  override readonly name = 'InvalidShare';
}

/**
 * Reads `disruption.maxUnavailable`: 2, "2" or "30%".
 *
 * @throws InvalidShare
 */
export function readShare(value: number | string): Share {
  const text = String(value);
  const percent = /^(100|[1-9]\d?)%$/.exec(text)?.[1];
  if (percent !== undefined) return { percent: Number(percent) };
  if (/^[1-9]\d{0,2}$/.test(text) && Number(text) <= 200) return { nodes: Number(text) };
  throw new InvalidShare(
    `disruption.maxUnavailable cannot be ${JSON.stringify(value)}: set it to a number of nodes from 1 to 200, or to a share such as 30%.`,
  );
}

/** So many of the nodes: a share is rounded down, but is never below 1. */
export function nodesOf(share: Share, total: number): number {
  return 'nodes' in share ? share.nodes : Math.max(1, Math.floor((share.percent * total) / 100));
}
