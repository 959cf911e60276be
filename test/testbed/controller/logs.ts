/** The controller's log: one JSON object per line. */

import { existsSync, readFileSync } from 'node:fs';

/** A line of the log; `text` is the line as it was written. */
export interface LogLine {
  readonly text: string;
  /** Its fields; empty for a line that is not a JSON object, e.g. a crash of Node.js. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a line must be: contain the text, match the expression, or satisfy the function. */
export type LogPattern = string | RegExp | ((line: LogLine) => boolean);

/** The complete lines of a log file so far. */
export function readLog(file: string): LogLine[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  // What follows the last line break is still being written.
  return lines.slice(0, -1).map((text) => ({ text, fields: parse(text) }));
}

export function matchesPattern(line: LogLine, pattern: LogPattern): boolean {
  if (typeof pattern === 'function') return pattern(line);
  return typeof pattern === 'string' ? line.text.includes(pattern) : pattern.test(line.text);
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
