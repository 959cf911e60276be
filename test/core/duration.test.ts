import { expect } from 'chai';
import fc from 'fast-check';
import { formatDuration, InvalidDuration, parseDuration } from '../../src/core/policy/duration.ts';

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

  const written = [
    [0, '0s'],
    [90_000, '1m30s'],
    [5_400_000, '1h30m'],
    [86_400_000, '24h'],
    [1_499, '1s'],
    [1_500, '2s'],
    [59_700, '1m'],
    [-5, '0s'],
  ] as const;
  for (const [ms, text] of written)
    it(`of ${ms} ms is written ${text}`, () => {
      expect(formatDuration(ms)).to.equal(text);
    });

  it('is read as it was written', () => {
    const seconds = fc.integer({ min: 0, max: 3_599_999_999 });
    fc.assert(fc.property(seconds, (s) => parseDuration(formatDuration(s * 1000)) === s * 1000));
  });
});
