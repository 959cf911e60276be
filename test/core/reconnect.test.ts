import { expect } from 'chai';
import fc from 'fast-check';
import { AGENT_RECONNECT } from '../../src/agent/ownNodeReboot.ts';
import { reconnectAfter } from '../../src/core/reconnect.ts';

describe('the wait before connecting again', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const windows = fc.record({
    firstMs: fc.integer({ min: 1, max: 60_000 }),
    lastMs: fc.integer({ min: 1, max: 600_000 }),
  });

  it('is anything from nothing up to a window that doubles until it is at its largest', () => {
    const reconnect = { firstMs: 1_000, lastMs: 6_000 };
    const longest = [0, 1, 2, 3, 4, 1_000].map((failures) => reconnectAfter(failures, reconnect, 1));
    expect(longest).to.deep.equal([1_000, 2_000, 4_000, 6_000, 6_000, 6_000]);
    expect(reconnectAfter(2, reconnect, 0)).to.equal(0);
    expect(reconnectAfter(2, reconnect, 0.5)).to.equal(2_000);
  });

  it('is never negative, and never longer than its largest window and what the server may ask', () => {
    fc.assert(
      fc.property(fc.nat(), windows, chance, fc.nat(), (failures, reconnect, random, asked) => {
        const wait = reconnectAfter(failures, reconnect, random, asked);
        expect(wait).to.be.at.least(Math.min(asked, reconnect.lastMs));
        expect(wait).to.be.below(2 * reconnect.lastMs + 1e-6);
      }),
    );
  });

  it('never shrinks with failures', () => {
    fc.assert(
      fc.property(fc.nat({ max: 100 }), windows, chance, (failures, reconnect, random) => {
        const [now, next] = [failures, failures + 1].map((count) => reconnectAfter(count, reconnect, random));
        expect(next).to.be.at.least(now ?? 0);
      }),
    );
  });

  it('keeps to what the server asks, and spreads beyond it, since all were told the same', () => {
    expect(reconnectAfter(0, { firstMs: 1_000, lastMs: 60_000 }, 0.25, 5_000)).to.equal(5_250);
    expect(reconnectAfter(0, { firstMs: 1_000, lastMs: 60_000 }, 0, 3_600_000), 'within bounds').to.equal(60_000);
  });

  describe('of 5,000 agents that lose their API server together', () => {
    const AGENTS = 5_000;

    /** When each of them asks, in seconds since the loss, until the first attempt after the server is back. */
    function attempts(outageSeconds: number, random: () => number): number[] {
      return Array.from({ length: AGENTS }, () => {
        const asked: number[] = [];
        for (let at = 0; at < outageSeconds || asked.length === 0; ) {
          at += reconnectAfter(asked.length, AGENT_RECONNECT, random()) / 1_000;
          asked.push(at);
        }
        return asked;
      }).flat();
    }

    /** How many ask in the busiest second. */
    function busiest(times: readonly number[]): number {
      const perSecond = new Map<number, number>();
      for (const at of times) perSecond.set(Math.floor(at), (perSecond.get(Math.floor(at)) ?? 0) + 1);
      return Math.max(...perSecond.values());
    }

    for (const outage of [0, 5, 30, 120, 600]) {
      it(`is spread so that never more than 500 ask in a second, after an outage of ${outage} s`, () => {
        fc.assert(
          fc.property(fc.integer(), (seed) => {
            const times = attempts(outage, seeded(seed));
            expect(busiest(times)).to.be.at.most(500);
            expect(Math.max(...times), 'and all are back within a minute').to.be.below(Math.max(20, outage + 60));
          }),
          { numRuns: 10 },
        );
      });
    }
  });
});

/** Mulberry32: chance that can be repeated. */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
