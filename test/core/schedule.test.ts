import { expect } from 'chai';
import type { Schedule, ScheduleFreeze } from '../../src/api/generated/rebootpolicy.ts';
import { nextWindow, scheduleAt, validateSchedule } from '../../src/core/policy/schedule.ts';

const at = (text: string) => Date.parse(text);
const said = (instant: number | null) => (instant === null ? null : new Date(instant).toISOString().slice(0, 16));

/** Fridays from ten in the evening, in Berlin, for four hours. */
const fridays: Schedule = { timeZone: 'Europe/Berlin', windows: [{ cron: '0 22 * * FRI', duration: '4h' }] };
const daily = (cron: string, duration: string, timeZone = 'UTC'): Schedule => ({
  timeZone,
  windows: [{ cron, duration }],
});
const freeze = (from: string, until: string, reason = 'Holidays'): ScheduleFreeze => ({ from, until, reason });

/** When the window opens in the days from `from` to `until`. */
function openings(schedule: Schedule, from: string, until: string): (string | null)[] {
  const found = [];
  let instant = at(from);
  while (instant < at(until)) {
    const state = scheduleAt(schedule, instant);
    const next = state.open ? state.until : state.nextCheck;
    if (next === null) break;
    if (!state.open && next < at(until)) found.push(said(next));
    instant = next;
  }
  return found;
}

describe('A schedule', () => {
  describe('without windows', () => {
    it('is open without end', () => {
      expect(scheduleAt({}, at('2026-01-01T00:00Z'))).to.deep.equal({ open: true, until: null });
      expect(nextWindow({}, at('2026-01-01T00:00Z'))).to.equal(null);
    });

    it('is open until the next freeze begins', () => {
      const schedule = { freezes: [freeze('2026-12-24T00:00:00Z', '2027-01-02T00:00:00Z')] };
      expect(scheduleAt(schedule, at('2026-12-23T23:59Z'))).to.deep.equal({
        open: true,
        until: at('2026-12-24T00:00Z'),
      });
      expect(scheduleAt(schedule, at('2027-01-02T00:00Z'))).to.deep.equal({ open: true, until: null });
    });
  });

  describe('with a window', () => {
    it('is closed until the moment it opens, and from the moment it closes', () => {
      expect(scheduleAt(fridays, at('2026-06-05T19:59:59.999Z')).open).to.equal(false);
      expect(scheduleAt(fridays, at('2026-06-05T20:00:00Z'))).to.deep.equal({
        open: true,
        until: at('2026-06-06T00:00Z'),
      });
      expect(scheduleAt(fridays, at('2026-06-05T23:59:59.999Z')).open).to.equal(true);
      expect(scheduleAt(fridays, at('2026-06-06T00:00:00Z')).open).to.equal(false);
    });

    it('says when it opens next', () => {
      const state = scheduleAt(fridays, at('2026-06-06T00:00:00Z'));
      expect(state).to.deep.equal({
        open: false,
        code: 'OutsideWindow',
        message: 'No window of the schedule is open. It may start from 2026-06-12T20:00:00Z on.',
        nextCheck: at('2026-06-12T20:00Z'),
      });
    });

    it('has no next window to wait for while it is open', () => {
      expect(nextWindow(fridays, at('2026-06-05T21:00Z'))).to.equal(null);
    });

    it('reaches over the end of the year', () => {
      const schedule = daily('0 23 31 12 *', '3h');
      expect(scheduleAt(schedule, at('2027-01-01T01:30Z'))).to.deep.equal({
        open: true,
        until: at('2027-01-01T02:00Z'),
      });
    });

    it('stays open for the longest duration', () => {
      const schedule = daily('0 0 1 7 *', '744h');
      expect(scheduleAt(schedule, at('2026-07-31T23:59Z')).open).to.equal(true);
      expect(scheduleAt(schedule, at('2026-08-01T00:00Z')).open).to.equal(false);
    });
  });

  describe('with windows that overlap or touch', () => {
    it('closes when the last of them does', () => {
      const overlapping = {
        windows: [
          { cron: '0 22 * * *', duration: '3h' },
          { cron: '0 0 * * *', duration: '4h' },
        ],
      };
      const touching = {
        windows: [
          { cron: '0 22 * * *', duration: '2h' },
          { cron: '0 0 * * *', duration: '4h' },
        ],
      };
      for (const schedule of [overlapping, touching]) {
        expect(scheduleAt(schedule, at('2026-01-01T22:30Z'))).to.deep.equal({
          open: true,
          until: at('2026-01-02T04:00Z'),
        });
      }
    });

    it('closes with the longer one even if the shorter one opens later', () => {
      const schedule = {
        windows: [
          { cron: '0 20 * * *', duration: '6h' },
          { cron: '0 22 * * *', duration: '1h' },
        ],
      };
      expect(scheduleAt(schedule, at('2026-01-01T22:30Z'))).to.deep.equal({
        open: true,
        until: at('2026-01-02T02:00Z'),
      });
    });

    it('never claims to stay open for longer than it does where windows run into each other for ever', () => {
      const { until } = scheduleAt(daily('0 * * * *', '1h'), at('2026-01-01T00:30Z')) as { until: number };
      expect(until).to.be.a('number').greaterThan(at('2026-01-08T00:00Z'));
    });
  });

  describe('with a freeze', () => {
    const schedule = { ...fridays, freezes: [freeze('2026-06-05T22:00:00+02:00', '2026-06-26T23:00:00+02:00')] };

    it('is frozen although a window is open, with the reason', () => {
      expect(scheduleAt(schedule, at('2026-06-05T20:00Z'))).to.deep.equal({
        open: false,
        code: 'Frozen',
        message: 'Frozen until 2026-06-26T21:00:00Z: Holidays',
        nextCheck: at('2026-06-26T21:00Z'),
      });
    });

    it('opens next at the end of the freeze where that is inside a window', () => {
      expect(said(nextWindow(schedule, at('2026-06-01T00:00Z')))).to.equal('2026-06-26T21:00');
    });

    it('is frozen from the first moment on and not at the last', () => {
      expect(scheduleAt(schedule, at('2026-06-05T20:00:00Z')).open).to.equal(false);
      expect(scheduleAt(schedule, at('2026-06-26T20:59:59.999Z')).open).to.equal(false);
      expect(scheduleAt(schedule, at('2026-06-26T21:00:00Z')).open).to.equal(true);
    });

    it('closes when the freeze begins in the middle of a window', () => {
      const half = { ...fridays, freezes: [freeze('2026-06-05T21:00:00Z', '2026-06-06T00:00:00Z')] };
      expect(scheduleAt(half, at('2026-06-05T20:30Z'))).to.deep.equal({ open: true, until: at('2026-06-05T21:00Z') });
    });

    it('waits for the last of freezes that follow each other', () => {
      const both = {
        freezes: [
          freeze('2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z', 'Second'),
          freeze('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', 'First'),
        ],
      };
      expect(said(nextWindow(both, at('2026-01-01T12:00Z')))).to.equal('2026-01-03T00:00');
    });

    it('names the freeze that lasts longest where several hold', () => {
      const both = {
        freezes: [
          freeze('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', 'Short'),
          freeze('2026-01-01T00:00:00Z', '2026-01-05T00:00:00Z', 'Long'),
        ],
      };
      expect(scheduleAt(both, at('2026-01-01T12:00Z'))).to.include({
        message: 'Frozen until 2026-01-05T00:00:00Z: Long',
      });
    });
  });

  describe('when clocks change', () => {
    it('opens at the end of the gap at a time that is skipped', () => {
      const schedule = daily('30 2 * * *', '1h', 'Europe/Berlin');
      expect(openings(schedule, '2026-03-28T12:00Z', '2026-03-30T12:00Z')).to.deep.equal([
        '2026-03-29T01:00',
        '2026-03-30T00:30',
      ]);
    });

    it('opens once, the first time, at a time that comes twice', () => {
      const schedule = daily('30 2 * * *', '30m', 'Europe/Berlin');
      expect(openings(schedule, '2026-10-24T12:00Z', '2026-10-26T12:00Z')).to.deep.equal([
        '2026-10-25T00:30',
        '2026-10-26T01:30',
      ]);
    });

    it('opens at the end of the gap also for lists and ranges', () => {
      for (const cron of ['30 2,14 * * *', '30 2-2,14 * * *']) {
        expect(
          openings(daily(cron, '1h', 'Europe/Berlin'), '2026-03-29T00:00Z', '2026-03-30T00:00Z'),
          cron,
        ).to.deep.equal(['2026-03-29T01:00', '2026-03-29T12:30']);
      }
    });

    it('skips and repeats with the clock for patterns with * or steps', () => {
      const schedule = daily('0 */2 * * *', '30m', 'Europe/Berlin');
      expect(openings(schedule, '2026-03-28T23:30Z', '2026-03-29T02:30Z')).to.deep.equal(['2026-03-29T02:00']);
      expect(openings(schedule, '2026-10-24T23:00Z', '2026-10-25T02:00Z')).to.deep.equal([
        '2026-10-25T00:00',
        '2026-10-25T01:00',
      ]);
    });

    it('copes with a change by half an hour and one at midnight', () => {
      const half = daily('15 2 * * *', '1h', 'Australia/Lord_Howe');
      expect(openings(half, '2026-10-03T00:00Z', '2026-10-04T00:00Z')).to.deep.equal(['2026-10-03T15:30']);
      const midnight = daily('0 0 * * *', '1h', 'America/Sao_Paulo');
      expect(openings(midnight, '2018-11-04T00:00Z', '2018-11-05T00:00Z')).to.deep.equal(['2018-11-04T03:00']);
    });

    it('measures the duration in time that passes', () => {
      const schedule = daily('0 0 * * *', '4h', 'Europe/Berlin');
      expect(scheduleAt(schedule, at('2026-03-28T23:30Z'))).to.deep.equal({
        open: true,
        until: at('2026-03-29T03:00Z'),
      });
      expect(scheduleAt(schedule, at('2026-10-24T22:30Z'))).to.deep.equal({
        open: true,
        until: at('2026-10-25T02:00Z'),
      });
    });
  });

  describe('in its cron expressions', () => {
    it('takes either day where day of month and day of week are given', () => {
      expect(openings(daily('0 0 13 * FRI', '1h'), '2026-02-01T00:00Z', '2026-02-16T00:00Z')).to.deep.equal([
        '2026-02-06T00:00',
        '2026-02-13T00:00',
      ]);
      expect(openings(daily('0 0 12 * FRI', '1h'), '2026-02-10T00:00Z', '2026-02-16T00:00Z')).to.deep.equal([
        '2026-02-12T00:00',
        '2026-02-13T00:00',
      ]);
    });

    it('takes both days where a plus says so', () => {
      expect(said(nextWindow(daily('0 0 13 * +FRI', '1h'), at('2026-04-01T00:00Z')))).to.equal('2026-11-13T00:00');
    });

    it('knows the second Tuesday and the last day of the month', () => {
      expect(said(nextWindow(daily('0 1 * * TUE#2', '1h'), at('2026-01-01T00:00Z')))).to.equal('2026-01-13T01:00');
      expect(said(nextWindow(daily('0 1 L * *', '1h'), at('2026-02-01T00:00Z')))).to.equal('2026-02-28T01:00');
    });

    it('waits for a leap day', () => {
      expect(said(nextWindow(daily('0 0 29 2 *', '1h'), at('2096-03-01T00:00Z')))).to.equal('2104-02-29T00:00');
    });
  });

  describe('that is wrong', () => {
    const window = { cron: '0 22 * * FRI', duration: '4h' };
    const wrong: Record<string, [Schedule, RegExp]> = {
      'names no known zone': [{ timeZone: 'Europe/Atlantis' }, /no time zone "Europe\/Atlantis".*Europe\/Berlin/],
      'names an offset as its zone': [{ timeZone: '+02:00' }, /no time zone/],
      'has a cron expression with a word': [daily('soon', '4h'), /"soon".*cannot be read.*0 22 \* \* FRI/],
      'has a cron expression with four fields': [daily('0 22 * *', '4h'), /cannot be read/],
      'has a cron expression with seconds': [daily('0 0 22 * * FRI', '4h'), /cannot be read/],
      'has a nickname for a cron expression': [daily('@daily', '4h'), /cannot be read/],
      'has an hour 24': [daily('0 24 * * *', '4h'), /cannot be read \(Invalid value for hour: 24\)/],
      'has a window on 30 February': [daily('0 0 30 2 *', '4h'), /never opens: there is no such date/],
      'has a duration that cannot be read': [daily('0 0 * * *', '4 hours'), /"4 hours" is not a duration/],
      'has a window of no length': [daily('0 0 * * *', '0s'), /from 1m to 744h/],
      'has a window that is too long': [daily('0 0 * * *', '745h'), /from 1m to 744h/],
      'has a freeze without a date': [
        { freezes: [freeze('Christmas', '2026-12-26T00:00:00Z')] },
        /cannot be read: write/,
      ],
      'has a freeze without a zone': [
        { freezes: [freeze('2026-12-24T00:00:00', '2026-12-26T00:00:00Z')] },
        /"Holidays".*cannot be read/,
      ],
      'has a freeze that ends before it begins': [
        { freezes: [freeze('2026-12-26T00:00:00Z', '2026-12-24T00:00:00Z')] },
        /must end after it begins/,
      ],
      'has one window that is wrong among others': [
        { windows: [window, { ...window, cron: '* *' }] },
        /cannot be read/,
      ],
    };
    for (const [what, [schedule, sentence]] of Object.entries(wrong)) {
      it(`says what to do, and never opens, when it ${what}`, () => {
        expect(validateSchedule(schedule)).to.have.lengthOf(1);
        expect(validateSchedule(schedule)[0]).to.match(sentence).and.match(/\.$/);
        for (let day = 0; day < 60; day++) {
          const instant = at('2026-12-01T22:30Z') + day * 43_200_000;
          expect(scheduleAt(schedule, instant)).to.include({ open: false, code: 'OutsideWindow', nextCheck: null });
          expect(nextWindow(schedule, instant)).to.equal(null);
        }
      });
    }

    it('is not open at a time that is not known', () => {
      expect(scheduleAt({}, Number.NaN).open).to.equal(false);
    });
  });

  it('that is right has nothing wrong with it', () => {
    expect(validateSchedule({})).to.deep.equal([]);
    expect(
      validateSchedule({ ...fridays, freezes: [freeze('2026-12-24T00:00:00Z', '2026-12-24T00:00:01.5+01:00')] }),
    ).to.have.lengthOf(1);
    expect(
      validateSchedule({ ...fridays, freezes: [freeze('2026-12-24T00:00:00Z', '2026-12-27T00:00:00+01:00')] }),
    ).to.deep.equal([]);
  });

  it('answers the same however often and in whatever order it is asked', () => {
    const instants = Array.from({ length: 50 }, (_, i) => at('2026-06-05T00:00Z') + i * 3_600_000);
    const forwards = instants.map((instant) => scheduleAt(fridays, instant));
    const backwards = [...instants].reverse().map((instant) => scheduleAt(structuredClone(fridays), instant));
    expect(backwards.reverse()).to.deep.equal(forwards);
  });
});
