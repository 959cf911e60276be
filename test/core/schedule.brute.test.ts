import { expect } from 'chai';
import fc from 'fast-check';
import type { Schedule } from '../../src/api/generated/rebootpolicy.ts';
import { nextWindow, scheduleAt } from '../../src/core/policy/schedule.ts';
import { field, firings, MINUTE, type Minute, minutesOf, openMinutes } from './bruteCalendar.ts';

const DAY = 24 * 60 * MINUTE;
/** No window of these tests is longer, so that after this the second opinion knows of every open window. */
const LEAD_MINUTES = (3 * DAY) / MINUTE;
/** How far open spans are followed at least: 500 windows of a minute. */
const FOLLOWED_MS = 500 * MINUTE;

/** Spans around the days on which clocks change, around leap days and around the end of the year. */
const spans = [
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['America/Sao_Paulo', '2018-02-18'],
  ['America/Sao_Paulo', '2018-11-04'],
  ['Africa/Cairo', '2026-04-24'],
  ['Africa/Cairo', '2026-10-30'],
  ['Asia/Kolkata', '2026-12-31'],
  ['Pacific/Chatham', '2026-04-05'],
  ['UTC', '2028-02-29'],
] as const;

const known = new Map<number, { start: number; minutes: Minute[] }>();

function spanOf(index: number): { start: number; minutes: Minute[] } {
  const existing = known.get(index);
  if (existing) return existing;
  const [zone, day] = spans[index] ?? ['UTC', '2026-01-01'];
  const start = Date.parse(`${day}T00:00:00Z`) - 6 * DAY;
  const made = { start, minutes: minutesOf(zone, start, start + 11 * DAY) };
  known.set(index, made);
  return made;
}

const number = (min: number, max: number) => fc.integer({ min, max }).map(String);
const range = (min: number, max: number) =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
const anything = fc.constant('*');
const step = fc.constantFrom('*/2', '*/7', '*/15');
const list = (of: fc.Arbitrary<string>) => fc.array(of, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(','));
/** Hours near those in which clocks change. */
const hour = fc.oneof(list(number(0, 4)), list(number(0, 23)), range(0, 3), range(20, 23), anything, step);
/** Whether there is such a day at all; a schedule with another one is wrong, and never open. */
function happens(days: string, months: string): boolean {
  const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  const first = Math.min(...field(days, 1, 31));
  return [...field(months, 1, 12)].some((month) => first <= (longest[month - 1] ?? 0));
}
const cron = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: list(fc.oneof(number(0, 59), fc.constant('30'))) },
      { weight: 1, arbitrary: step },
    ),
    hour,
    fc.oneof({ weight: 4, arbitrary: anything }, list(number(1, 31)), range(1, 31), step),
    fc.oneof({ weight: 6, arbitrary: anything }, list(number(1, 12))),
    fc.oneof({ weight: 3, arbitrary: anything }, list(number(0, 7)), range(0, 6), fc.constant('*/2')),
  )
  .filter(([, , days, months, weekdays]) => weekdays !== '*' || happens(days, months))
  .map((fields) => fields.join(' '));
const duration = fc
  .oneof(fc.integer({ min: 1, max: 200 }), fc.constantFrom(60, 24 * 60), fc.integer({ min: 1, max: LEAD_MINUTES }))
  .map((minutes) => `${minutes}m`);
const windows = fc.array(fc.record({ cron, duration }), { maxLength: 3 });
const freezes = fc.array(fc.tuple(fc.nat(11 * 24 * 60 - 1), fc.integer({ min: 1, max: 2000 })), { maxLength: 2 });

interface Expected {
  open: boolean[];
  frozen: boolean[];
}

function secondOpinion(schedule: Schedule, start: number, minutes: readonly Minute[]): Expected {
  const each = (schedule.windows ?? []).map((window) => {
    const [, hours = 0, mins = 0] = /^(?:(\d+)h)?(?:(\d+)m)?$/.exec(window.duration)?.map((n) => Number(n ?? 0)) ?? [];
    return openMinutes(firings(window.cron, minutes), (hours * 60 + mins) * MINUTE);
  });
  const frozen = minutes.map(() => false);
  for (const { from, until } of schedule.freezes ?? []) {
    frozen.fill(true, (Date.parse(from) - start) / MINUTE, (Date.parse(until) - start) / MINUTE);
  }
  const open = minutes.map((_, i) => !frozen[i] && (each.length === 0 || each.some((window) => window[i])));
  return { open, frozen };
}

/** The first minute after i that is (not) open, as an instant; undefined if that is beyond the span. */
function next(open: readonly boolean[], i: number, wanted: boolean, start: number): number | undefined {
  const found = open.indexOf(wanted, i + 1);
  return found === -1 ? undefined : start + found * MINUTE;
}

function compare(schedule: Schedule, { open, frozen }: Expected, start: number, i: number, rest: number) {
  const now = start + i * MINUTE + rest;
  const beyond = start + open.length * MINUTE;
  const said = scheduleAt(schedule, now);
  expect(said.open, 'open').to.equal(open[i]);
  if (said.open) {
    expect(nextWindow(schedule, now), 'next window').to.equal(null);
    const end = next(open, i, false, start);
    const until = said.until ?? Infinity;
    if (end === undefined) expect(until, 'until').to.satisfy((t: number) => t >= beyond || t - now >= FOLLOWED_MS);
    else if (until - now >= FOLLOWED_MS) expect(until, 'until').to.be.at.most(end);
    else expect(until, 'until').to.equal(end);
    return;
  }
  expect(said.code, 'code').to.equal(frozen[i] ? 'Frozen' : 'OutsideWindow');
  const opens = next(open, i, true, start);
  if (opens === undefined) expect(said.nextCheck ?? Infinity, 'opens').to.be.at.least(beyond);
  else expect(said.nextCheck, 'opens').to.equal(opens);
  expect(nextWindow(schedule, now), 'next window').to.equal(said.nextCheck);
}

/** Minutes at which something changes, and their neighbours. */
function turns(open: readonly boolean[]): number[] {
  return open.flatMap((value, i) => (i > 0 && value !== open[i - 1] ? [i - 1, i] : []));
}

describe('The schedule and a second opinion, minute by minute', function () {
  this.timeout(60_000);
  it('agree around clock changes, month ends and year ends in many zones', () => {
    const samples = fc.array(fc.tuple(fc.nat(), fc.nat(MINUTE - 1)), { minLength: 6, maxLength: 6 });
    const property = fc.property(fc.nat(spans.length - 1), windows, freezes, samples, (index, some, frozen, at) => {
      const { start, minutes } = spanOf(index);
      const iso = (minute: number) => new Date(start + minute * MINUTE).toISOString();
      const schedule: Schedule = {
        timeZone: spans[index]?.[0] ?? 'UTC',
        windows: some,
        freezes: frozen.map(([from, length]) => ({ from: iso(from), until: iso(from + length), reason: 'why' })),
      };
      const expected = secondOpinion(schedule, start, minutes);
      const interesting = turns(expected.open).filter((i) => i >= LEAD_MINUTES);
      for (const [n, rest] of at) {
        const anywhere = LEAD_MINUTES + (n % (minutes.length - LEAD_MINUTES));
        const turn = interesting[n % interesting.length] ?? anywhere;
        compare(schedule, expected, start, anywhere, rest);
        compare(schedule, expected, start, turn, n % 2 === 0 ? rest : 0);
      }
    });
    fc.assert(property, { numRuns: 250 });
  });
});
