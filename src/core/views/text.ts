/**
 * The beginning of a text, of at most so many characters. Half a character at the end is replaced: the API server would
 * store something else than what was sent, and it would be sent again for ever.
 */
export function cut(text: string, length: number): string {
  return text.slice(0, length).toWellFormed();
}

/** The longest message that the resource definitions take in conditions and verdicts. */
export const LONGEST_MESSAGE = 2048;
