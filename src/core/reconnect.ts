/** How a client spreads its attempts to connect again, in milliseconds. */
export interface Reconnect {
  /** The first attempt comes within this time. */
  firstMs: number;
  /** Later attempts each have twice the time of the one before, but never more than this. */
  lastMs: number;
}

/**
 * How long to wait before connecting again, in milliseconds: full jitter, that is anything from nothing up to a window
 * that doubles with each failure, so that clients which lost their server together come back one by one.
 *
 * @param failures how many attempts have failed in a row before this one
 * @param chance from 0 up to 1
 * @param askedMs how long the server has asked to stay away; it comes on top, since everybody was told the same
 */
export function reconnectAfter(failures: number, { firstMs, lastMs }: Reconnect, chance: number, askedMs = 0): number {
  const window = Math.min(lastMs, firstMs * 2 ** Math.min(failures, 30));
  return Math.min(askedMs, lastMs) + chance * window;
}
