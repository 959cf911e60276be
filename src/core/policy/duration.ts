const PATTERN = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/;

/** A text that was to be a duration and is none. The message is a sentence that says what to write. */
export class InvalidDuration extends Error {
  override name = 'InvalidDuration';

  constructor(text: string) {
    super(`${JSON.stringify(text)} is not a duration; write hours, minutes and seconds, such as 90s, 30m or 1h30m.`);
  }
}

/**
 * Reads a duration as the resource definitions allow it: hours, minutes and seconds in this order, each optional, at
 * least one of them.
 *
 * @returns milliseconds
 * @throws InvalidDuration
 */
export function parseDuration(text: string): number {
  const match = PATTERN.exec(text);
  if (match === null || text === '') throw new InvalidDuration(text);
  const [hours, minutes, seconds] = match.slice(1).map((digits) => Number(digits ?? 0)) as [number, number, number];
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
