import { expect } from 'chai';
import fc from 'fast-check';
import type { NodeRebootStatus } from '../../src/api/generated/nodereboot.ts';
import type { Schedule } from '../../src/api/generated/rebootpolicy.ts';
import { expectedDurationMs } from '../../src/core/policy/expectation.ts';
import { readPolicies } from '../../src/core/policy/owners.ts';
import { inFlight, theStep } from '../support/attempt.ts';
import { aNode, aNodeReboot, aPolicy, decideOn, type Given, NOON, required, writesOf } from '../support/cluster.ts';
import { fleet, started, why } from '../support/fleet.ts';

const MINUTE = 60_000;
/** Open on every day from 10 to 13 o'clock; the decision is made at noon. */
const schedule: Schedule = { timeZone: 'UTC', windows: [{ cron: '0 10 * * *', duration: '3h' }] };
const under = (changes: Partial<Schedule>, given: Given = {}) =>
  fleet(['n1'], { policies: [aPolicy({ schedule: { ...schedule, ...changes } })], ...given });
const at = (minutesBeforeEnd: number): Given => ({ now: NOON + (60 - minutesBeforeEnd) * MINUTE });
const RECENT = '2026-11-02T11:59:00Z';
const personal = (agent = {}) => ({
  nodeReboots: [aNodeReboot('n1', { grant: { kind: 'RebootNow', bootID: 'boot-1-of-n1', at: RECENT } }, { agent })],
});

describe('a start inside a window', () => {
  it('is expected to end inside it as well, by 15 minutes where the policy says nothing', () => {
    expect(started(under({}, at(15)))).to.deep.equal(['n1']);
    expect(why(under({}, at(14.9)), 'n1')).to.deep.equal(['WindowTooShort']);
    expect(started(under({ expectedDuration: '1h' }, at(60)))).to.deep.equal(['n1']);
    expect(why(under({ expectedDuration: '1h' }, at(59)), 'n1')).to.deep.equal(['WindowTooShort']);
  });

  it('that would take too long waits for the next window, whose opening is the next check', () => {
    const { plan, timers } = decideOn(under({}, at(5)));
    const [blocker] = plan.waiting.get('n1')?.blockers ?? [];
    expect(blocker?.nextCheck).to.equal(Date.parse('2026-11-03T10:00:00Z'));
    expect(blocker?.message).to.contain('2026-11-02T13:00:00Z');
    expect(timers.nextWake).to.equal(21 * 60 * MINUTE + 5 * MINUTE);
  });

  it('has to end before a freeze that begins inside the window', () => {
    const freezes = [{ from: '2026-11-02T12:10:00Z', until: '2026-11-02T12:20:00Z', reason: 'release' }];
    const { plan } = decideOn(under({ freezes }));
    expect(plan.waiting.get('n1')?.blockers[0]).to.deep.include({
      code: 'WindowTooShort',
      nextCheck: Date.parse('2026-11-02T12:20:00Z'),
    });
    expect(started(under({ freezes }, { now: Date.parse('2026-11-02T12:20:00Z') }))).to.deep.equal(['n1']);
  });

  it('knows no too short where there are no windows', () => {
    const policies = [aPolicy({ schedule: { expectedDuration: '24h' } })];
    expect(started(fleet(['n1'], { policies }))).to.deep.equal(['n1']);
  });
});

describe('a person who wants a reboot now', () => {
  it('is kept neither by a closed window nor by one that is too short', () => {
    const closed = { now: Date.parse('2026-11-02T20:00:00Z') };
    expect(why(under({}, closed), 'n1')).to.deep.equal(['OutsideWindow']);
    expect(started(under({}, { ...closed, ...personal() }))).to.deep.equal(['n1']);
    expect(started(under({}, { ...at(1), ...personal(required()) }))).to.deep.equal(['n1']);
  });

  it('is kept by a freeze', () => {
    const freezes = [{ from: '2026-11-02T11:00:00Z', until: '2026-11-02T13:00:00Z', reason: 'quarter end' }];
    const { plan } = decideOn(under({ freezes }, personal()));
    expect(plan.waiting.get('n1')?.blockers[0]).to.deep.include({
      code: 'Frozen',
      message: 'Frozen until 2026-11-02T13:00:00Z: quarter end',
    });
  });

  const underWay = (trigger: 'Person' | 'Sentinel', changes: Partial<Schedule>, now: string) =>
    decideOn(inFlight({ attempt: { trigger }, spec: { schedule: { ...schedule, ...changes } }, now: Date.parse(now) }))
      .plan;

  it('has the attempt go on past the end of the window, where one by a sentinel is given up', () => {
    expect(writesOf(underWay('Person', {}, '2026-11-02T13:00:00Z'))).to.deep.equal(['mark', 'request']);
    expect(theStep(underWay('Sentinel', {}, '2026-11-02T13:00:00Z').steps, 'endAttempt').code).to.equal(
      'OutsideWindow',
    );
    expect(writesOf(underWay('Sentinel', {}, '2026-11-02T12:59:59Z'))).to.deep.equal(['mark', 'request']);
  });

  it('has it given up by a freeze all the same', () => {
    const freezes = [{ from: '2026-11-02T12:00:00Z', until: '2026-11-02T13:00:00Z', reason: 'incident' }];
    for (const trigger of ['Person', 'Sentinel'] as const)
      expect(theStep(underWay(trigger, { freezes }, '2026-11-02T12:00:00Z').steps, 'endAttempt').code).to.equal(
        'Frozen',
      );
  });

  it('has it go on without a sentinel, where one by a sentinel is given up', () => {
    const gone = (trigger: 'Person' | 'Sentinel') =>
      writesOf(decideOn(inFlight({ attempt: { trigger }, agent: { rebootRequired: false } })).plan);
    expect([gone('Person'), gone('Sentinel')]).to.deep.equal([['mark', 'request'], ['endAttempt']]);
  });
});

describe('the expected duration', () => {
  type History = NonNullable<NodeRebootStatus['history']>;
  const rebooted = (minutes: number, endedMinutesAgo: number, changes: object = {}): History[number] => ({
    attemptID: 'a',
    outcome: 'Rebooted',
    code: 'Rebooted',
    message: 'm',
    policy: 'workers',
    endedAt: new Date(NOON - endedMinutesAgo * MINUTE).toISOString(),
    startedAt: new Date(NOON - (endedMinutesAgo + minutes) * MINUTE).toISOString(),
    ...changes,
  });
  const expected = (histories: readonly History[], configured = '15m') => {
    const nodes = histories.map((_, index) => aNode(`n${index}`));
    const nodeReboots = new Map(
      histories.map((history, index) => [`n${index}`, aNodeReboot(`n${index}`, {}, { history })]),
    );
    const [read] = readPolicies([aPolicy({ schedule: { ...schedule, expectedDuration: configured } })], nodes);
    if (read === undefined) throw new Error('there is no policy');
    return expectedDurationMs(read, nodeReboots) / MINUTE;
  };

  it('is what the policy says until there were five proven reboots, then the longest of them', () => {
    const four = [rebooted(40, 1), rebooted(2, 2), rebooted(2, 3), rebooted(2, 4)];
    expect(expected([four])).to.equal(15);
    expect(expected([four, [rebooted(3, 5)]])).to.equal(40);
    expect(expected([Array.from({ length: 5 }, (_, index) => rebooted(2, index))]), 'also if it is shorter').to.equal(
      2,
    );
  });

  it('learns neither from other policies nor from what was no reboot, nor from nonsense', () => {
    const others = [
      rebooted(90, 1, { policy: 'other' }),
      rebooted(90, 1, { outcome: 'Interrupted' }),
      rebooted(90, 1, { outcome: 'Failed' }),
      rebooted(90, 1, { healed: true }),
      rebooted(-90, 1),
      rebooted(90, 1, { startedAt: 'nonsense' }),
    ];
    expect(expected([others, [1, 2, 3, 4].map((ago) => rebooted(2, ago))])).to.equal(15);
    expect(expected([others, [1, 2, 3, 4, 5].map((ago) => rebooted(2, ago))])).to.equal(2);
  });

  it('is always the longest of the twenty that ended last, of all nodes together, up to half of the window', () => {
    const reboot = fc.record({ minutes: fc.integer({ min: 0, max: 600 }), ago: fc.integer({ min: 0, max: 100_000 }) });
    const fleets = fc.array(fc.uniqueArray(reboot, { maxLength: 10, selector: ({ ago }) => ago }), { maxLength: 6 });
    const distinct = fleets.filter((list) => new Set(list.flat().map(({ ago }) => ago)).size === list.flat().length);
    const property = fc.property(distinct, (list) => {
      const all = list.flat().sort((a, b) => a.ago - b.ago);
      const longest = Math.max(...all.slice(0, 20).map(({ minutes }) => minutes));
      const oracle = all.length < 5 ? 15 : Math.min(90, longest);
      expect(expected(list.map((history) => history.map(({ minutes, ago }) => rebooted(minutes, ago))))).to.equal(
        oracle,
      );
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('never keeps a node from every window: one slow reboot is no reason to give up', () => {
    expect(expected([[1, 2, 3, 4, 5].map((ago) => rebooted(600, ago))])).to.equal(90);
    expect(expected([[1, 2, 3, 4, 5].map((ago) => rebooted(600, ago))], '2h'), 'unless the policy says so').to.equal(
      120,
    );
  });

  it('counts for a freeze that comes as well, also without windows', () => {
    const freezes = [{ from: '2026-11-02T12:10:00Z', until: '2026-11-03T00:00:00Z', reason: 'quarter' }];
    expect(why(fleet(['n1'], { policies: [aPolicy({ schedule: { freezes } })] }), 'n1')).to.deep.equal([
      'WindowTooShort',
    ]);
    const short = { freezes, expectedDuration: '10m' };
    expect(started(fleet(['n1'], { policies: [aPolicy({ schedule: short })] }))).to.deep.equal(['n1']);
  });

  it('is what decides: a fleet that takes longer than the policy thinks is not begun too late', () => {
    const history = [1, 2, 3, 4, 5].map((ago) => rebooted(50, ago * 1_000, { reasons: ['other'] }));
    const nodeReboots = [aNodeReboot('n1', {}, { agent: required(), history })];
    expect(why(under({}, { nodeReboots, ...at(49) }), 'n1')).to.deep.equal(['WindowTooShort']);
    expect(started(under({}, { nodeReboots, ...at(50) }))).to.deep.equal(['n1']);
  });
});
