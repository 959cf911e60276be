/** Waits that always end: every wait of the test bed goes through here. */

export interface WaitOptions {
  /** Longest wait, in milliseconds. */
  timeoutMs: number;
  /** Pause between two probes, in milliseconds. Default 50. */
  everyMs?: number;
  /** Ends the wait at once with the returned reason, e.g. because the process that is waited for has died. */
  giveUp?: () => string | undefined;
  /** Text for the end of the error message, e.g. the last lines of a log. Called only when the wait fails. */
  explain?: () => string;
}

/** Thrown when a wait ends without what was waited for. */
export class WaitError extends Error {
  override readonly name = 'WaitError';
}

/** What a probe returns while there is nothing yet. */
export type NotYet = undefined | false | null;

/** Time that a probe gets at least, in milliseconds. */
const LAST_PROBE_MS = 50;

/** Resolves after `ms` milliseconds. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Calls `probe` until it returns something and returns that.
 *
 * An exception of the probe means "not yet" (a server that is starting refuses connections); the last one is part of
 * the error, so that a mistake in the probe itself does not hide. A probe that hangs does not prolong the wait.
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | NotYet> | T | NotYet,
  options: WaitOptions,
): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  let lastError: unknown;
  for (;;) {
    const reason = options.giveUp?.();
    if (reason !== undefined) throw failure(`gave up waiting for ${what}: ${reason}`, options, lastError);
    const { found, error } = await attempt(probe, Math.max(deadline - Date.now(), LAST_PROBE_MS));
    if (isSomething(found)) return found;
    // That a probe was cut off at the deadline says less than what an earlier one failed with.
    if (!(error instanceof CutOff)) lastError = error;
    const left = deadline - Date.now();
    if (left <= 0) throw failure(`${what}: not after ${options.timeoutMs} ms`, options, lastError);
    await sleep(Math.min(options.everyMs ?? 50, left));
  }
}

async function attempt<T>(probe: () => Promise<T> | T, ms: number): Promise<{ found?: T; error?: unknown }> {
  try {
    return { found: await cutOff(Promise.resolve(probe()), ms, () => new CutOff()) };
  } catch (error) {
    return { error };
  }
}

function isSomething<T>(found: T | NotYet): found is T {
  return found !== undefined && found !== null && found !== false;
}

/** Settles like `promise`, or rejects with a WaitError after `ms` milliseconds. */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  return cutOff(promise, ms, () => new WaitError(`${what}: not after ${ms} ms`));
}

class CutOff extends Error {}

async function cutOff<T>(promise: Promise<T>, ms: number, error: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(error()), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function failure(message: string, options: WaitOptions, cause: unknown): WaitError {
  const because = cause instanceof Error ? `; last error: ${cause.message}` : '';
  const details = options.explain === undefined ? '' : `\n${options.explain()}`;
  return new WaitError(message + because + details, { cause });
}
