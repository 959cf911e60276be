import { Cron } from 'croner';
import type { Schedule, ScheduleFreeze, ScheduleWindow } from '../../api/generated/rebootpolicy.ts';
import { InvalidDuration, parseDuration } from './duration.ts';
import { readInstant } from './instant.ts';

/** A window: it opens at every firing and stays open for a time that is measured, not read off a clock on the wall. */
export interface Window {
  durationMs: number;
  /** The first firing after an instant; null when there is none. Epoch milliseconds. */
  firesAfter(instant: number): number | null;
  /** The last firing at or before an instant; null when there is none. Epoch milliseconds. */
  lastFiring(instant: number): number | null;
}

/** From `from` on, up to but not including `until`. Epoch milliseconds. */
export interface Freeze {
  from: number;
  until: number;
  reason: string;
}

/** A schedule that has been read. With problems, it is not to be used. */
export interface Calendar {
  windows: readonly Window[];
  freezes: readonly Freeze[];
  /** What is wrong with the schedule, in sentences that say what to do. */
  problems: readonly string[];
}

const MINUTE = 60_000;
const LONGEST_WINDOW = 744 * 60 * MINUTE;

/** Reads a schedule. The same schedule always gives an equal calendar. */
export function readCalendar(schedule: Schedule): Calendar {
  const problems: string[] = [];
  const timeZone = schedule.timeZone ?? 'UTC';
  if (!isTimeZone(timeZone)) {
    problems.push(
      `There is no time zone ${JSON.stringify(timeZone)}: set schedule.timeZone to a name such as UTC or Europe/Berlin.`,
    );
    return { windows: [], freezes: [], problems };
  }
  const windows = (schedule.windows ?? []).map((window) => readWindow(window, timeZone, problems));
  const freezes = (schedule.freezes ?? []).map((freeze) => readFreeze(freeze, problems));
  return { windows: windows.filter((window) => window !== null), freezes, problems };
}

function isTimeZone(name: string): boolean {
  try {
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false; // RangeError: not in the time zone database
  }
}

function readWindow({ cron: pattern, duration }: ScheduleWindow, timeZone: string, problems: string[]): Window | null {
  const cron = readCron(pattern, timeZone, problems);
  const durationMs = readWindowDuration(duration, problems);
  if (cron === null || durationMs === null) return null;
  return {
    durationMs,
    firesAfter: (instant) => cron.nextRun(new Date(instant))?.getTime() ?? null,
    lastFiring: (instant) =>
      cron.previousRuns(1, new Date(Math.floor(instant / 1000) * 1000 + 1000))[0]?.getTime() ?? null,
  };
}

/**
 * Standard cron of five fields: where both the day of the month and the day of the week are restricted, either is
 * enough (`0 0 13 * FRI`: the 13th and every Friday); with a plus, both must hold (`0 0 13 * +FRI`: Friday the 13th).
 * Only a lone `*` counts as unrestricted.
 *
 * When clocks go forward, a time that is skipped fires at the end of the gap; when they go back, a time that comes
 * twice fires the first time. A pattern with `*` or a step in its minutes or hours skips and repeats with the clock.
 */
function readCron(pattern: string, timeZone: string, problems: string[]): Cron | null {
  const say = (problem: string) => problems.push(`The window ${JSON.stringify(pattern)} ${problem}`);
  try {
    if (pattern.startsWith('@')) throw new TypeError('nicknames are not supported');
    const cron = new Cron(pattern, { timezone: timeZone, paused: true, mode: '5-part', fixedTimeRule: 'no-wildcard' });
    if (cron.nextRun(new Date(0)) !== null) return cron;
    say('never opens: there is no such date. Mend its cron expression, or take the window out.');
  } catch (error) {
    const why = (error as Error).message.replace(/^CronPattern: /, '').replace(/\.$/, '');
    say(
      `has a cron expression that cannot be read (${why}): write minute, hour, day of month, month and day of week, such as 0 22 * * FRI.`,
    );
  }
  return null;
}

function readWindowDuration(duration: string, problems: string[]): number | null {
  try {
    const durationMs = parseDuration(duration);
    if (durationMs >= MINUTE && durationMs <= LONGEST_WINDOW) return durationMs;
    problems.push(`A window cannot be open for ${duration}: set its duration to something from 1m to 744h.`);
  } catch (error) {
    if (!(error instanceof InvalidDuration)) throw error;
    problems.push(`The duration of a window cannot be read: ${error.message}`);
  }
  return null;
}

function readFreeze({ from, until, reason }: ScheduleFreeze, problems: string[]): Freeze {
  const freeze = { from: readInstant(from), until: readInstant(until), reason };
  if (Number.isNaN(freeze.from) || Number.isNaN(freeze.until)) {
    problems.push(
      `The freeze "${reason}" has a time that cannot be read: write from and until as in 2026-12-24T00:00:00Z.`,
    );
  } else if (freeze.from >= freeze.until) {
    problems.push(`The freeze "${reason}" must end after it begins: set until to a time later than from.`);
  }
  return freeze;
}
