import type { Schedule } from '../../api/generated/rebootpolicy.ts';
import { type Calendar, type Freeze, readCalendar, type Window } from './calendar.ts';
import { writeInstant } from './instant.ts';

/** Whether disruption may start. Times are epoch milliseconds. */
export type ScheduleState =
  | {
      open: true;
      /**
       * When that ends; null when no end is set. Where windows run into each other for more than a week this may be
       * earlier, never later, than the end: ask again then.
       */
      until: number | null;
    }
  | {
      open: false;
      code: 'OutsideWindow' | 'Frozen';
      message: string;
      /** When it opens next; null when never. */
      nextCheck: number | null;
    };

/** How far windows that run into each other are followed. */
const FOLLOWED_MS = 8 * 24 * 3_600_000;
const FOLLOWED_WINDOWS = 500;

/** What is wrong with a schedule, in sentences that tell a person what to do; empty when nothing is. */
export function validateSchedule(schedule: Schedule): string[] {
  return [...knownOf(schedule).calendar.problems];
}

/**
 * Whether disruption may start at an instant (epoch milliseconds). Without windows it may at any time; a freeze wins.
 * A schedule with problems is never open.
 */
export function scheduleAt(schedule: Schedule, now: number): ScheduleState {
  const { calendar, states } = knownOf(schedule);
  const answered = states.get(now);
  if (answered !== undefined) return answered;
  if (states.size >= 10) states.clear();
  const state = stateAt(calendar, now);
  states.set(now, state);
  return state;
}

function stateAt(calendar: Calendar, now: number): ScheduleState {
  const [problem] = Number.isFinite(now) ? calendar.problems : ['The time is not known.'];
  if (problem !== undefined) return { open: false, code: 'OutsideWindow', message: problem, nextCheck: null };

  const freeze = freezeAt(calendar, now);
  if (freeze) {
    const message = `Frozen until ${writeInstant(freeze.until)}: ${freeze.reason}`;
    return { open: false, code: 'Frozen', message, nextCheck: opensAt(calendar, now) };
  }
  if (!inWindow(calendar, now)) {
    const nextCheck = opensAt(calendar, now);
    const next = nextCheck === null ? 'None will open again.' : `It may start from ${writeInstant(nextCheck)} on.`;
    return { open: false, code: 'OutsideWindow', message: `No window of the schedule is open. ${next}`, nextCheck };
  }
  return { open: true, until: closesAt(calendar, now) };
}

/**
 * The first instant after now at which disruption may start, freezes taken into account (epoch milliseconds). Null when
 * it may start now (there is nothing to wait for), when it never will, and when the schedule has problems.
 */
export function nextWindow(schedule: Schedule, now: number): number | null {
  const state = scheduleAt(schedule, now);
  return state.open ? null : state.nextCheck;
}

/** Firings are looked for by walking back: a window is open while its last firing is younger than its duration. */
function isOpen(window: Window, now: number): boolean {
  const firing = window.firesAfter(now - window.durationMs);
  return firing !== null && firing <= now;
}

function inWindow({ windows }: Calendar, now: number): boolean {
  return windows.length === 0 || windows.some((window) => isOpen(window, now));
}

/** The freeze that an instant is in; of several, the one that ends last. */
function freezeAt({ freezes }: Calendar, now: number): Freeze | undefined {
  return freezes.filter(({ from, until }) => from <= now && now < until).sort((a, b) => b.until - a.until)[0];
}

/**
 * The first instant from `now` on that is open; null when there is none. A turn gets past a freeze, or goes to a firing,
 * after which comes a freeze or the end.
 */
function opensAt(calendar: Calendar, now: number): number | null {
  let instant = now;
  for (let turns = 2 * calendar.freezes.length + 2; turns > 0; turns--) {
    const freeze = freezeAt(calendar, instant);
    if (freeze) {
      instant = freeze.until;
    } else if (inWindow(calendar, instant)) {
      return instant;
    } else {
      const firings = calendar.windows.map((window) => window.firesAfter(instant)).filter((firing) => firing !== null);
      if (firings.length === 0) return null;
      instant = Math.min(...firings);
    }
  }
  return null;
}

/** When the open span around `now` ends. */
function closesAt(calendar: Calendar, now: number): number | null {
  const froms = calendar.freezes.map(({ from }) => from).filter((from) => from > now);
  const end = Math.min(...froms, calendar.windows.length === 0 ? Infinity : windowsEnd(calendar.windows, now));
  return end === Infinity ? null : end;
}

/** Follows windows that overlap or touch, up to a bound. */
function windowsEnd(windows: readonly Window[], now: number): number {
  let end = now;
  for (let followed = 0; followed < FOLLOWED_WINDOWS && end - now < FOLLOWED_MS; followed++) {
    const further = Math.max(...windows.map((window) => (window.lastFiring(end) ?? -Infinity) + window.durationMs));
    if (further <= end) break;
    end = further;
  }
  return end;
}

/**
 * Schedules already read, by their text, each with the last answers: one decision asks of every node, of now and of the
 * end of the window. This only saves time; the answers would be the same every time.
 */
const known = new Map<string, Known>();
const knownObjects = new WeakMap<Schedule, Known>();

interface Known {
  calendar: Calendar;
  /** By the instant that was asked of. */
  states: Map<number, ScheduleState>;
}

function knownOf(schedule: Schedule): Known {
  const same = knownObjects.get(schedule);
  if (same !== undefined) return same;
  const found = knownByText(schedule);
  knownObjects.set(schedule, found);
  return found;
}

function knownByText(schedule: Schedule): Known {
  const key = JSON.stringify(schedule);
  const existing = known.get(key);
  if (existing) return existing;
  if (known.size >= 100) known.clear();
  const made: Known = { calendar: readCalendar(schedule), states: new Map() };
  known.set(key, made);
  return made;
}
