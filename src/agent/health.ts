/** When each part of an agent last gave a sign of life, in milliseconds of the monotonic clock, by the part's name. */
export type Signs = Readonly<Record<string, number>>;

/**
 * A part that gives no sign for this long has come to a stop. All that either part waits for has an end before that:
 * the loop comes round once a minute, and a watch without a byte is given up after 150 s and tried again within a minute
 * or two. In milliseconds.
 */
const STOPPED_MS = 300_000;

/**
 * The parts that have come to a stop, of which a new process would do better. None has while only the API server is away:
 * an agent that tries again is in order, a restart would not bring the API server back, and it would come back to all
 * nodes' agents at once.
 */
export function stoppedParts(signs: Signs, now: number): string[] {
  return Object.keys(signs).filter((part) => now - (signs[part] ?? now) > STOPPED_MS);
}
