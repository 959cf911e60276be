import { expect } from 'chai';
import fc from 'fast-check';
import { InvalidDuration, parseDuration } from '../../src/core/policy/duration.ts';

describe('A duration', () => {
  const readings = {
    '0s': 0,
    '90s': 90_000,
    '5m': 300_000,
    '1h30m': 5_400_000,
    '1h30s': 3_630_000,
    '24h': 86_400_000,
    '744h': 2_678_400_000,
    '999999h999999m999999s': 3_660_996_339_000,
  };
  for (const [text, ms] of Object.entries(readings)) {
    it(`reads ${text}`, () => expect(parseDuration(text)).to.equal(ms));
  }

  for (const text of [
    '',
    ' ',
    '5',
    '5 m',
    '-5m',
    '+5m',
    '1.5h',
    '5M',
    '1m1h',
    '1d',
    '500ms',
    '1h ',
    '1234567h',
    '١h',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => {
      expect(() => parseDuration(text))
        .to.throw(InvalidDuration)
        .with.property('message')
        .that.includes(JSON.stringify(text))
        .and.includes('such as 90s');
    });
  }

  it('is the sum of its parts', () => {
    const part = fc.nat(999_999);
    const sum = (hours: number, minutes: number, seconds: number) => ((hours * 60 + minutes) * 60 + seconds) * 1000;
    fc.assert(fc.property(part, part, part, (h, m, s) => parseDuration(`${h}h${m}m${s}s`) === sum(h, m, s)));
  });
});
