/**
 * What a schedule means, minute by minute and without croner: the second opinion in the tests of core/schedule.
 * It reads lists of numbers, ranges, `*` and steps.
 */

export const MINUTE = 60_000;

interface Clock {
  minute: number;
  hour: number;
  day: number;
  month: number;
  weekday: number;
}

export interface Minute {
  /** What a clock on the wall shows. */
  shown: Clock;
  /** Whether a clock on the wall has shown this before (clocks have gone back). */
  again: boolean;
  /** What it would have shown, had clocks not just gone forward. */
  skipped: Clock[];
}

/** The minutes of a span of time in a zone. Both ends are whole minutes in epoch milliseconds; `end` is excluded. */
export function minutesOf(timeZone: string, start: number, end: number): Minute[] {
  const minutes: Minute[] = [];
  let before = Temporal.Instant.fromEpochMilliseconds(start - MINUTE).toZonedDateTimeISO(timeZone);
  for (let instant = start; instant < end; instant += MINUTE) {
    const now = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone);
    const plain = now.toPlainDateTime();
    const first = plain.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
    const skipped: Clock[] = [];
    const jumped = (now.offsetNanoseconds - before.offsetNanoseconds) / 60e9;
    for (let i = 0; i < jumped; i++) skipped.push(clockOf(before.toPlainDateTime().add({ minutes: i + 1 })));
    minutes.push({ shown: clockOf(plain), again: first.epochMilliseconds !== instant, skipped });
    before = now;
  }
  return minutes;
}

function clockOf({ minute, hour, day, month, dayOfWeek }: Temporal.PlainDateTime): Clock {
  return { minute, hour, day, month, weekday: dayOfWeek % 7 };
}

/** The values that a field of a cron expression allows. */
export function field(text: string, min: number, max: number): Set<number> {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [range = '', step = '1'] = part.split('/');
    const [from, to = from] = range === '*' ? [min, max] : range.split('-').map(Number);
    for (let value = from ?? Number.NaN; value <= (to ?? Number.NaN); value += Number(step)) values.add(value);
  }
  return values;
}

/** Whether a five-field cron expression fires in each of the minutes. */
export function firings(cron: string, minutes: readonly Minute[]): boolean[] {
  const [m = '', h = '', dom = '', mon = '', dow = ''] = cron.split(' ');
  const [minute, hour, day, month] = [field(m, 0, 59), field(h, 0, 23), field(dom, 1, 31), field(mon, 1, 12)];
  const weekday = new Set([...field(dow, 0, 7)].map((value) => value % 7));
  const onDay = (clock: Clock) => {
    const [byDate, byWeekday] = [day.has(clock.day), weekday.has(clock.weekday)];
    return dom === '*' || dow === '*' ? byDate && byWeekday : byDate || byWeekday;
  };
  const matches = (clock: Clock) =>
    minute.has(clock.minute) && hour.has(clock.hour) && month.has(clock.month) && onDay(clock);
  const fixed = !/[*/]/.test(m + h);
  return minutes.map(({ shown, again, skipped }) => {
    if (!fixed) return matches(shown);
    return (matches(shown) && !again) || skipped.some(matches);
  });
}

/** In which of the minutes a window is open. */
export function openMinutes(fires: readonly boolean[], durationMs: number): boolean[] {
  let left = 0;
  return fires.map((fire) => {
    left = fire ? durationMs / MINUTE : Math.max(0, left - 1);
    return left > 0;
  });
}
