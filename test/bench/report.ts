/** What benches report, and the table that people read. */

/** One figure of ours, and what it is held against. */
export interface Row {
  what: string;
  drydock: string;
  /** What was measured beside it, or elsewhere, and of what. */
  beside?: string;
  /** Ours divided by the one beside it. */
  ratio?: number;
  goal?: Goal;
}

export interface Goal {
  text: string;
  met: boolean;
}

export interface Bench {
  /** What it is called on the command line. */
  name: string;
  about: string;
  /** It counts over a minute and times nothing, so that it may run beside others of its kind. */
  countsOnly?: boolean;
  run: (say: Say) => Promise<Row[]>;
}

/** Prints a line of progress. */
export type Say = (line: string) => void;

/** A goal that is a limit: met by a figure that does not exceed it. */
export function atMost(limit: number, value: number, unit = ''): Goal {
  return { text: `≤ ${limit}${unit}`, met: value <= limit };
}

/** A goal that is met by a figure below it. */
export function below(limit: number, value: number, unit = ''): Goal {
  return { text: `< ${limit}${unit}`, met: value < limit };
}

/** The rows as a table in Markdown, with its columns aligned. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ what, drydock, beside, ratio, goal }) => [
    what,
    drydock,
    beside ?? '',
    ratio === undefined ? '' : ratio.toFixed(2),
    goal === undefined ? '' : `${goal.text}: ${goal.met ? 'met' : 'MISSED'}`,
  ]);
  const lines = [['figure', 'Drydock', 'beside it', 'ratio', 'goal'], ...cells];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const row = (line: readonly string[]) => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = lines;
  return [row(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body.map(row)].join('\n');
}
