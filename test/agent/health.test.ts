import { expect } from 'chai';
import { stoppedParts } from '../../src/agent/health.ts';

describe("an agent's health", () => {
  it('is good while each part gives a sign within five minutes', () => {
    expect(stoppedParts({ loop: 700_000, watch: 1_000_000 }, 1_000_000)).to.deep.equal([]);
  });

  it('names each part that has come to a stop', () => {
    expect(stoppedParts({ loop: 699_999, watch: 1_000_000 }, 1_000_000)).to.deep.equal(['loop']);
    expect(stoppedParts({ loop: 0, watch: 0 }, 1_000_000)).to.deep.equal(['loop', 'watch']);
  });
});
