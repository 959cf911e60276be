import { expect } from 'chai';
import type { RebootPolicySpec } from '../../src/api/generated/rebootpolicy.ts';
import { Harbour } from './support/harbour.ts';

/** Any spec, right or wrong. */
type Anything = Record<string, unknown>;

describe('bad input', () => {
  let h: Harbour;

  before(async () => {
    h = await Harbour.open();
    await h.addSpareNode();
    await h.startController();
  });

  after(async () => {
    await h.close();
  });

  afterEach(async () => {
    await h.kubectl('delete', 'rbp', '--all');
  });

  function policy(spec: Anything): string {
    const all = { nodeSelector: { matchLabels: { role: 'worker' } }, mode: 'Enforce', ...spec };
    return JSON.stringify({
      apiVersion: 'drydock.dev/v1alpha1',
      kind: 'RebootPolicy',
      metadata: { name: 'bad' },
      spec: all,
    });
  }

  /** What `kubectl apply -f` says against it; empty if it is accepted. */
  async function refusal(spec: Anything): Promise<string> {
    const { code, stderr } = await h.bed.kubectl(['apply', '-f', '-'], { stdin: policy(spec) });
    return code === 0 ? '' : stderr;
  }

  const prometheus = (changes: Anything) => ({ gates: { prometheus: { url: 'http://prometheus:9090', ...changes } } });
  /** Over TLS. */
  const over = (changes: Anything) => prometheus({ url: 'https://prometheus:9090', ...changes });
  const windows = (cron: string, duration = '1h') => ({ schedule: { windows: [{ cron, duration }] } });

  const refused: readonly [string, Anything, string][] = [
    ['no mode', { mode: undefined }, 'spec.mode: Required value'],
    ['an unknown mode', { mode: 'Enforced' }, 'supported values: "Enforce", "Report"'],
    ['no node selector', { nodeSelector: undefined }, 'spec.nodeSelector: Required value'],
    ['an unknown field', { drain: { timout: '5m' } }, 'unknown field "spec.drain.timout"'],
    ['a field of a later release', { approval: 'Manual' }, 'unknown field "spec.approval"'],
    [
      'an expression without values',
      { nodeSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      'In and NotIn need at least one value',
    ],
    ['a zero budget', { disruption: { maxUnavailable: 0 } }, 'should be greater than or equal to 1'],
    ['a negative budget', { disruption: { maxUnavailable: -1 } }, 'should be greater than or equal to 1'],
    ['a budget in words', { disruption: { maxUnavailable: 'all' } }, 'must be of type integer'],
    ['a settle time without a unit', { settle: '5' }, 'must be a duration in hours, minutes and seconds'],
    ['a settle time of days', { settle: '25h' }, 'must be at most 24h'],
    ['a drain timeout of zero', { drain: { timeout: '0s' } }, 'must be from 1s to 24h'],
    ['a negative grace period', { drain: { gracePeriodSeconds: -1 } }, 'should be greater than or equal to 0'],
    ['an empty reboot timeout', { reboot: { timeout: '' } }, 'must be a duration in hours, minutes and seconds'],
    ['a cron expression of four fields', windows('0 3 * *'), 'must be a cron expression of five fields'],
    ['a cron expression in words', windows('every friday'), 'must be a cron expression of five fields'],
    ['a window of no time', windows('0 3 * * *', '0m'), 'must be from 1m to 744h'],
    ['a time zone that is no name', { schedule: { timeZone: '+02:00' } }, 'must be the name of an IANA time zone'],
    [
      'a freeze that ends before it begins',
      { schedule: { freezes: [{ from: '2026-12-24T00:00:00Z', until: '2026-12-20T00:00:00Z', reason: 'x' }] } },
      'a freeze must end after it begins',
    ],
    [
      'a freeze without a reason',
      { schedule: { freezes: [{ from: '2026-12-20T00:00:00Z', until: '2026-12-24T00:00:00Z' }] } },
      'reason: Required value',
    ],
    ['a URL without a scheme', prometheus({ url: 'prometheus:9090' }), 'must begin with http:// or https://'],
    ['a URL with credentials', prometheus({ url: 'http://me:secret@prometheus:9090' }), 'without credentials'],
    [
      'a URL with a query',
      prometheus({ url: 'http://prometheus:9090/?a=b' }),
      'without credentials, query or fragment',
    ],
    [
      'a regular expression for a label that does not parse',
      prometheus({ alerts: { match: [{ labels: [{ name: 'team', operator: '=~', value: 'a(' }] }] } }),
      'missing closing )',
    ],
    [
      'a label that is no name',
      prometheus({ alerts: { match: [{ labels: [{ name: 'a-b', operator: '=', value: '' }] }] } }),
      'must be the name of a label',
    ],
    [
      'a label that is compared strangely',
      prometheus({ alerts: { match: [{ labels: [{ name: 'a', operator: '==', value: '' }] }] } }),
      'supported values: "=", "!=", "=~", "!~"',
    ],
    ['an empty alert selector', prometheus({ alerts: { ignore: [{}] } }), 'an empty selector would match every alert'],
    [
      'an alert selector without labels',
      prometheus({ alerts: { match: [{ labels: [] }] } }),
      'an empty selector would match every alert',
    ],
    [
      'credentials for plain http',
      prometheus({ auth: { type: 'Basic', secretName: 'a' } }),
      'credentials are sent over https:// only',
    ],
    [
      'credentials for a name that only begins like loopback',
      prometheus({ url: 'http://127.0.0.1.example', auth: { type: 'Basic', secretName: 'a' } }),
      'credentials are sent over https:// only',
    ],
    ['credentials from nowhere', over({ auth: { type: 'Bearer' } }), 'Bearer and Basic need secretName'],
    ['a Secret for nothing', over({ auth: { type: 'None', secretName: 'a' } }), 'remove secretName'],
    ['a Secret without auth', over({ auth: { secretName: 'a' } }), 'auth.type: Required value'],
    [
      'a Secret of another namespace',
      over({ auth: { type: 'Basic', secretName: 'kube-system/a' } }),
      'must be the name of a Secret',
    ],
    [
      'a CA for plain http',
      prometheus({ tls: { caSecret: { name: 'a' } } }),
      'tls.caSecret has no meaning for http://',
    ],
    ['a CA under no key', over({ tls: { caSecret: { name: 'a', key: 'a/b' } } }), 'must be a key of a Secret'],
    ['a gate without time', prometheus({ timeout: '0s' }), 'must be from 1s to 60s'],
    ['a gate with too much time', prometheus({ timeout: '61s' }), 'must be from 1s to 60s'],
    ['a recheck without time', { gates: { recheckTimeout: '0s' } }, 'must be from 1s to 24h'],
    [
      'a regular expression that does not parse',
      prometheus({ alerts: { match: [{ name: 'Node(' }] } }),
      'missing closing )',
    ],
    [
      'a regular expression with look-ahead',
      prometheus({ alerts: { ignore: [{ name: '(?!Watchdog)' }] } }),
      'invalid or unsupported Perl syntax',
    ],
  ];

  const accepted: readonly [string, Anything][] = [
    ['Prometheus by its address', prometheus({ url: 'http://[2001:db8::1]:9090/prometheus/' })],
    ['no credentials', prometheus({ auth: { type: 'None' }, timeout: '60s' })],
    ['credentials within the pod', prometheus({ url: 'http://[::1]:9090', auth: { type: 'Basic', secretName: 'a' } })],
    ['credentials over TLS', over({ auth: { type: 'Bearer', secretName: 'a' }, tls: { caSecret: { name: 'a.b-c' } } })],
    [
      'every kind of label',
      prometheus({
        alerts: {
          match: ['=', '!=', '=~', '!~'].map((operator) => ({ labels: [{ name: 'a_1', operator, value: '' }] })),
          ignore: [{ name: 'x', labels: [{ name: 'a', operator: '=', value: '(' }] }],
        },
      }),
    ],
  ];
  for (const [what, spec] of accepted) {
    it(`is not refused at apply: ${what}`, async () => {
      expect(await refusal(spec)).to.equal('');
    });
  }

  for (const [what, spec, sentence] of refused) {
    it(`is refused at apply: ${what}`, async () => {
      expect(await refusal(spec)).to.contain(sentence);
    });
  }

  const invalid: readonly [string, Partial<RebootPolicySpec>, RegExp][] = [
    ['a cron expression with an hour of 25', windows('0 25 * * *'), /25/],
    ['a cron expression that never comes', windows('0 3 30 2 *'), /never/],
    [
      'a time zone that does not exist',
      { schedule: { timeZone: 'Europe/Atlantis', windows: [{ cron: '0 3 * * *', duration: '1h' }] } },
      /Europe\/Atlantis/,
    ],
  ];

  for (const [what, spec, sentence] of invalid) {
    it(`makes a policy not Ready, which then disrupts nothing: ${what}`, async () => {
      const machine = await h.addMachine(`n${what.length}`);
      machine.requireReboot();
      await h.applyPolicy(spec, 'invalid');
      const { message } = await h.untilPolicy('Ready', 'False', 'Invalid', 'invalid');
      expect(message).to.match(sentence).and.contain('Until this is mended the policy disrupts nothing.');
      await h.untilVerdict(machine.name, 'PolicyInvalid');
      expect(await h.kubectl('describe', 'rbp', 'invalid')).to.match(/Warning\s+PolicyInvalid/);
      expect(h.slots()).to.deep.equal([]);
      await machine.remove();
    });
  }

  it('of two policies that select the same nodes, the younger owns none of them and says so', async () => {
    const machine = await h.addMachine('shared');
    await h.applyPolicy({ mode: 'Report' }, 'older');
    await h.untilPolicy('Ready', 'True', 'ReportOnly', 'older');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await h.applyPolicy({}, 'younger');
    const { message } = await h.untilPolicy('Ready', 'True', 'Overlapping', 'younger');
    expect(message).to.contain('shared (older)');
    machine.requireReboot();
    await h.untilVerdict('shared', 'ReportOnly');
    expect(h.slots()).to.deep.equal([]);
  });
});
