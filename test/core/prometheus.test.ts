import { expect } from 'chai';
import type { PrometheusGate, RebootPolicySpec } from '../../src/api/generated/rebootpolicy.ts';
import { allowsHost } from '../../src/core/policy/allowedHosts.ts';
import { prometheusTimeoutMs, validatePrometheus } from '../../src/core/policy/prometheus.ts';
import { readRules } from '../../src/core/policy/rules.ts';

const ADDRESS = 'https://prometheus.example:9090';

describe('What a policy says about Prometheus', () => {
  it('has nothing wrong with it when it is right', () => {
    const right: PrometheusGate[] = [
      { url: 'http://prometheus.monitoring:9090' },
      { url: 'https://[2001:db8::1]/prometheus/', timeout: '1s' },
      { url: 'http://10.0.0.1', auth: { type: 'None' }, tls: {}, timeout: '60s' },
      {
        url: ADDRESS,
        auth: { type: 'Bearer', secretName: 'a-b.c' },
        tls: { caSecret: { name: 'ca', key: 'a_B.crt' } },
      },
      { url: 'http://127.0.0.1:9090', auth: { type: 'Basic', secretName: 'a' } },
      { url: 'http://[::1]:9090', auth: { type: 'Bearer', secretName: 'a' } },
    ];
    for (const gate of right) expect(validatePrometheus(gate), gate.url).to.deep.equal([]);
  });

  const wrong: readonly [string, Partial<PrometheusGate>, RegExp][] = [
    ['a URL without a scheme', { url: 'prometheus:9090' }, /must begin with http:\/\/ or https:\/\//],
    ['a URL with credentials', { url: 'https://me:secret@prometheus' }, /without credentials/],
    ['a URL with a query', { url: 'https://prometheus/?a=b' }, /without credentials, query or fragment/],
    ['a URL of another kind', { url: 'file:///etc/passwd' }, /must begin with/],
    ['a URL with an impossible port', { url: 'https://prometheus:99999' }, /must begin with/],
    [
      'credentials for plain http',
      { url: 'http://prometheus', auth: { type: 'Basic', secretName: 'a' } },
      /over https/,
    ],
    [
      'them for a name of loopback',
      { url: 'http://localhost', auth: { type: 'Bearer', secretName: 'a' } },
      /over https/,
    ],
    ['auth without a Secret', { auth: { type: 'Bearer' } }, /^Auth of type Bearer for Prometheus needs secretName/],
    ['a Secret without auth', { auth: { type: 'None', secretName: 'a' } }, /remove secretName, or choose Bearer/],
    ['auth of a strange type', { auth: { type: 'Digest' as 'Basic', secretName: 'a' } }, /write None, Bearer or Basic/],
    ['a Secret elsewhere', { auth: { type: 'Basic', secretName: '../x' } }, /^"\.\.\/x" is no name of a Secret/],
    ['a Secret without a name', { auth: { type: 'Basic', secretName: '' } }, /^"" is no name of a Secret/],
    ['a CA for plain http', { url: 'http://prometheus', tls: { caSecret: { name: 'a' } } }, /has no meaning for http/],
    ['a CA elsewhere', { tls: { caSecret: { name: 'a/b' } } }, /^"a\/b" is no name of a Secret/],
    ['a CA under a strange key', { tls: { caSecret: { name: 'a', key: 'a b' } } }, /^"a b" is no key of a Secret/],
    ['no time', { timeout: '0s' }, /must be from 1s to 60s/],
    ['too much time', { timeout: '2m' }, /must be from 1s to 60s/],
    ['a selector that is empty', { alerts: { match: [{}] } }, /^An alert selector is empty/],
  ];
  for (const [what, changes, sentence] of wrong) {
    it(`is refused, with one sentence that says what to do: ${what}`, () => {
      const problems = validatePrometheus({ url: ADDRESS, ...changes });
      expect(problems).to.have.lengthOf(1);
      expect(problems[0]).to.match(sentence).and.match(/\.$/);
      const prometheus = { url: ADDRESS, ...changes };
      const spec: RebootPolicySpec = { nodeSelector: {}, mode: 'Enforce', gates: { prometheus } };
      expect(readRules(spec)).to.deep.equal({ rules: null, problems });
    });
  }

  it('waits for ten seconds unless it says how long', () => {
    expect(prometheusTimeoutMs({ url: ADDRESS })).to.equal(10_000);
    expect(prometheusTimeoutMs({ url: ADDRESS, timeout: '1m' })).to.equal(60_000);
    expect(() => prometheusTimeoutMs({ url: ADDRESS, timeout: 'soon' })).to.throw('"soon" is not a duration');
  });
});

describe('The hosts that a Secret allows', () => {
  const cases: readonly [string, string, boolean][] = [
    ['prometheus.example', ADDRESS, true],
    ['prometheus.example:9090', ADDRESS, true],
    ['PROMETHEUS.Example:9090', 'https://Prometheus.EXAMPLE:9090/x', true],
    [' other ,\n prometheus.example ', ADDRESS, true],
    ['prometheus.example:443', 'https://prometheus.example', true],
    ['127.0.0.1:80', 'http://127.0.0.1', true],
    ['[2001:db8::1]:9090', 'https://[2001:db8::1]:9090', true],
    ['prometheus.example:9091', ADDRESS, false],
    ['prometheus.example:443', ADDRESS, false],
    ['', ADDRESS, false],
    [',', ADDRESS, false],
    ['*', ADDRESS, false],
    ['*.example', ADDRESS, false],
    ['example', ADDRESS, false],
    ['.example', ADDRESS, false],
    ['prometheus.example.evil', ADDRESS, false],
    ['xprometheus.example', ADDRESS, false],
    ['https://prometheus.example:9090', ADDRESS, false],
    ['prometheus.example other', ADDRESS, false],
    ['169.254.169.254', 'http://0xa9fea9fe', true],
  ];
  for (const [allowed, url, expected] of cases) {
    it(`${JSON.stringify(allowed)} ${expected ? 'allow' : 'do not allow'} ${url}`, () => {
      expect(allowsHost(allowed, url)).to.equal(expected);
    });
  }
});
