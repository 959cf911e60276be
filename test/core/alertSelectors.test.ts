import { expect } from 'chai';
import fc from 'fast-check';
import type { AlertRules, AlertSelector, LabelMatcher } from '../../src/api/generated/rebootpolicy.ts';
import { anyOf, validateAlerts } from '../../src/core/policy/alertSelectors.ts';
import { judgeAlerts } from '../../src/core/policy/alerts.ts';

type Operator = LabelMatcher['operator'];

const OPERATORS: readonly Operator[] = ['=', '!=', '=~', '!~'];
const NO_ALERTS = JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [] } });

const label = (name: string, operator: Operator, value: string): LabelMatcher => ({ name, operator, value });
const selects = (selector: AlertSelector, labels: Record<string, string>) => anyOf([selector])(labels);
const holds = (matcher: LabelMatcher, labels: Record<string, string>) => selects({ labels: [matcher] }, labels);

describe('Alert selectors', () => {
  it('search the name, and take regular expressions for a label as a whole', () => {
    expect(selects({ name: 'ode' }, { alertname: 'NodeDown' })).to.equal(true);
    expect(holds(label('severity', '=~', 'crit'), { severity: 'critical' })).to.equal(false);
    expect(holds(label('severity', '=~', 'crit.*|warning'), { severity: 'critical' })).to.equal(true);
    expect(holds(label('severity', '!~', 'crit'), { severity: 'critical' })).to.equal(true);
    expect(holds(label('pod', '=~', 'a|ab'), { pod: 'ab' })).to.equal(true);
    expect(holds(label('text', '=~', 'a.b'), { text: 'a\nb' })).to.equal(true);
  });

  it('mean an alert only if name and every label hold', () => {
    const selector = { name: '^Node', labels: [label('severity', '=', 'critical'), label('team', '!=', 'web')] };
    const alert = { alertname: 'NodeDown', severity: 'critical', team: 'db' };
    expect(selects(selector, alert)).to.equal(true);
    expect(selects(selector, { ...alert, alertname: 'DiskFull' })).to.equal(false);
    expect(selects(selector, { ...alert, severity: 'warning' })).to.equal(false);
    expect(selects(selector, { ...alert, team: 'web' })).to.equal(false);
  });

  it('take a label that is not there for an empty one', () => {
    for (const labels of [{}, { severity: '' }]) {
      expect(holds(label('severity', '=', ''), labels)).to.equal(true);
      expect(holds(label('severity', '!=', 'critical'), labels)).to.equal(true);
      expect(holds(label('severity', '=~', '(critical)?'), labels)).to.equal(true);
      expect(holds(label('severity', '!~', '.+'), labels)).to.equal(true);
      expect(holds(label('severity', '=~', '.+'), labels)).to.equal(false);
    }
    expect(holds(label('constructor', '=', ''), {})).to.equal(true);
  });

  it('may ask for the state and the name as for labels', () => {
    const alert = { alertname: 'NodeDown', alertstate: 'pending' };
    expect(holds(label('alertstate', '=', 'pending'), alert)).to.equal(true);
    expect(holds(label('alertname', '=~', 'Node'), alert)).to.equal(false);
  });

  describe('agree with what PromQL says of', () => {
    /** Patterns on which RE2 and JavaScript agree. */
    const patterns = fc.letrec<{ pattern: string }>((tie) => ({
      pattern: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', ''),
        fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => one + other),
        fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => `(${one}|${other})`),
        fc.tuple(tie('pattern'), fc.constantFrom('*', '?', '+')).map(([one, many]) => `(${one})${many}`),
      ),
    })).pattern;
    const values = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n'), maxLength: 6 });
    const names = fc.constantFrom('x', 'y');
    const labels = fc.dictionary(names, values, { maxKeys: 2 });
    const matchers = fc
      .record({ name: names, operator: fc.constantFrom(...OPERATORS) })
      .chain(({ name, operator }) =>
        (operator.includes('~') ? patterns : values).map((value) => ({ name, operator, value })),
      );

    /** The definition in Prometheus' documentation, by JavaScript's own regular expressions. */
    function isTrue({ name, operator, value }: LabelMatcher, alert: Record<string, string>): boolean {
      const actual = alert[name] ?? '';
      const isEqual = actual === value;
      const isMatch = () => new RegExp(`^(?:${value})$`, 'su').test(actual);
      return { '=': () => isEqual, '!=': () => !isEqual, '=~': isMatch, '!~': () => !isMatch() }[operator]();
    }

    it('one label', () => {
      fc.assert(
        fc.property(matchers, labels, (matcher, alert) => holds(matcher, alert) === isTrue(matcher, alert)),
        { numRuns: 2_000 },
      );
    });

    it('several labels, and several selectors', () => {
      const selectors = fc.array(fc.array(matchers, { minLength: 1, maxLength: 3 }), { maxLength: 3 });
      fc.assert(
        fc.property(selectors, labels, (all, alert) => {
          const expected = all.some((one) => one.every((matcher) => isTrue(matcher, alert)));
          return anyOf(all.map((one) => ({ labels: one })))(alert) === expected;
        }),
      );
    });
  });

  describe('that a person writes', () => {
    it('have nothing wrong with them when they are right', () => {
      expect(validateAlerts({})).to.deep.equal([]);
      expect(validateAlerts({ match: [{ name: '^Kube.*$' }], ignore: [{ name: '(?i)info|\\d+' }] })).to.deep.equal([]);
      const labels = [label('a_b1', '=', ''), label('_', '!=', '('), label('A', '=~', ''), label('b', '!~', 'x|y')];
      expect(validateAlerts({ match: [{ labels }, { name: 'x', labels: [] }] })).to.deep.equal([]);
    });

    const wrong: readonly [string, AlertSelector, RegExp][] = [
      ['nothing', {}, /^An alert selector is empty, .*: say which by name, by labels, or by both\.$/],
      ['no labels', { labels: [] }, /^An alert selector is empty/],
      ['an empty name', { name: '' }, /^The name of an alert selector is empty, .*: write a regular expression\.$/],
      ['a label with a dash', { labels: [label('a-b', '=', 'x')] }, /^"a-b" is no name of a label: write letters/],
      ['a label without a name', { labels: [label('', '=', 'x')] }, /^"" is no name of a label/],
      ['a label that begins with a digit', { labels: [label('1a', '=', 'x')] }, /^"1a" is no name of a label/],
      [
        'an operator that does not exist',
        { labels: [label('a', '==' as Operator, 'x')] },
        /^"==" does not compare the label a with anything: write =, !=, =~ or !~\.$/,
      ],
      [
        'no value',
        { labels: [{ name: 'a', operator: '=' } as LabelMatcher] },
        /^The label a is compared with nothing: write a value\.$/,
      ],
      ...['(?=x)', '(?!x)', '(', '\\1', '*', 'a{1001}', 'a)(b'].flatMap((text): [string, AlertSelector, RegExp][] => [
        [
          `${text} for a name`,
          { name: text },
          /^The alert selector .* is no regular .* in RE2 syntax \(.+\): mend it\.$/,
        ],
        [
          `${text} for a label`,
          { labels: [label('a', '=~', text)] },
          /^The value of the label a, .* is no regular expression in RE2 syntax \(.+\): mend it\.$/,
        ],
        [`${text} for no label`, { labels: [label('a', '!~', text)] }, /^The value of the label a, .*: mend it\.$/],
      ]),
    ];
    for (const [what, selector, sentence] of wrong) {
      it(`and that have ${what} say what to do, and block`, () => {
        const all: AlertRules[] = [{ match: [selector] }, { ignore: [selector] }];
        for (const rules of all) {
          const [problem, ...others] = validateAlerts(rules);
          expect(problem).to.match(sentence);
          expect(others).to.deep.equal([]);
          expect(judgeAlerts(NO_ALERTS, rules)).to.have.property('code', 'GateUnanswered');
        }
      });
    }
  });

  it('are asked in linear time', () => {
    const started = performance.now();
    selects({ name: '(a*)*b' }, { alertname: 'a'.repeat(10_000) });
    holds(label('x', '=~', '(a*)*b'), { x: 'a'.repeat(10_000) });
    expect(performance.now() - started).to.be.lessThan(1000);
  });
});
