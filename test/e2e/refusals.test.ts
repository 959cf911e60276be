import { globSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RebootPolicySpec } from '../../src/api/generated/rebootpolicy.ts';
import { Harbour } from './support/harbour.ts';

const BAD_BUDGET = 'must be a number of nodes from 1 to 200, or a share from 1% to 100%';

const ROOT = join(import.meta.dirname, '../..');

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
  const selecting = (nodeSelector: Anything) => ({ nodeSelector });
  const expression = (key: string, operator: string, values?: string[]) =>
    selecting({ matchExpressions: [{ key, operator, values }] });
  const budget = (maxUnavailable: unknown) => ({ disruption: { maxUnavailable } });
  const windows = (cron: string, duration = '1h') => ({ schedule: { windows: [{ cron, duration }] } });

  const refused: readonly [string, Anything, string][] = [
    ['no mode', { mode: undefined }, 'spec.mode: Required value'],
    ['an unknown mode', { mode: 'Enforced' }, 'supported values: "Enforce", "Report"'],
    ['no node selector', { nodeSelector: undefined }, 'spec.nodeSelector: Required value'],
    ['an unknown field', { drain: { timout: '5m' } }, 'unknown field "spec.drain.timout"'],
    ['a field that there is not', { hooks: {} }, 'unknown field "spec.hooks"'],
    ['a label key with a space', selecting({ matchLabels: { 'a b': 'c' } }), 'every key must be the key of a label'],
    ['a label value with a space', selecting({ matchLabels: { a: 'b c' } }), 'must be the value of a label'],
    ['an expression on no label key', expression('a/b/c', 'Exists'), 'must be the key of a label'],
    ['an expression with a value with a space', expression('a', 'In', ['b c']), 'must be the value of a label'],
    ['an expression with an unknown operator', expression('a', 'Gt', ['1']), 'supported values: "In", "NotIn"'],
    ['an expression on presence with values', expression('a', 'Exists', ['b']), 'Exists and DoesNotExist take none'],
    [
      'a pod selector with a label key with a space',
      { drain: { podSelector: { matchLabels: { 'a b': 'c' } } } },
      'every key must be the key of a label',
    ],
    ['an expression without values', expression('a', 'In'), 'In and NotIn need at least one value'],
    ['a priority that is too high', { priority: 1001 }, 'should be less than or equal to 1000'],
    ['a priority that is too low', { priority: -1001 }, 'should be greater than or equal to -1000'],
    ['an unknown approval', { approval: 'Sometimes' }, 'supported values: "Automatic", "Manual"'],
    ['an unknown word for other rebooters', { otherRebooters: 'Allow' }, 'supported values: "Refuse", "Ignore"'],
    ['a zero budget', budget(0), BAD_BUDGET],
    ['a negative budget', budget(-1), BAD_BUDGET],
    ['a budget of more nodes than there are slots', budget(201), BAD_BUDGET],
    ['a budget in words', budget('all'), BAD_BUDGET],
    ['a budget of a number in quotes', budget('2'), BAD_BUDGET],
    ['a share of nothing', budget('0%'), BAD_BUDGET],
    ['a share of more than all', budget('101%'), BAD_BUDGET],
    ['a share with a fraction', budget('1.5%'), BAD_BUDGET],
    ['a topology key with a space', { disruption: { topologyKey: 'my zone' } }, 'must be the key of a node label'],
    ['a topology key of two slashes', { disruption: { topologyKey: 'a/b/c' } }, 'must be the key of a node label'],
    ['an interval of years', { disruption: { minInterval: '8761h' } }, 'must be at most 8760h'],
    ['a settle time without a unit', { settle: '5' }, 'must be a duration in hours, minutes and seconds'],
    ['a settle time of days', { settle: '25h' }, 'must be at most 24h'],
    ['a drain timeout of zero', { drain: { timeout: '0s' } }, 'must be from 1s to 24h'],
    ['a drain timeout of days', { drain: { timeout: '25h' } }, 'must be from 1s to 24h'],
    ['a negative duration', { drain: { timeout: '-5m' } }, 'must be a duration in hours, minutes and seconds'],
    ['an unknown end of a drain', { drain: { onTimeout: 'Force' } }, 'supported values: "Abort", "Delete", "Reboot"'],
    ['a patience of days', { drain: { skipWaitForDeleteTimeout: '25h' } }, 'must be at most 24h'],
    ['no evictions at a time', { drain: { maxParallelEvictions: 0 } }, 'should be greater than or equal to 1'],
    ['too many evictions at a time', { drain: { maxParallelEvictions: 101 } }, 'should be less than or equal to 100'],
    ['a negative grace period', { drain: { gracePeriodSeconds: -1 } }, 'should be greater than or equal to 0'],
    ['an empty reboot timeout', { reboot: { timeout: '' } }, 'must be a duration in hours, minutes and seconds'],
    ['a reboot timeout of zero', { reboot: { timeout: '0s' } }, 'must be from 1s to 24h'],
    ['a delay of hours', { reboot: { delay: '2h' } }, 'must be at most 1h'],
    ['no time to be Ready in', { verification: { readyTimeout: '0s' } }, 'must be from 1s to 24h'],
    ['a soak of days', { verification: { soak: '24h1s' } }, 'must be at most 24h'],
    ['a backoff of zero', { failure: { backoff: { first: '0s' } } }, 'must be from 1s to 24h'],
    ['no failed node before the halt', { failure: { maxFailed: 0 } }, 'should be greater than or equal to 1'],
    ['an expected duration of zero', { schedule: { expectedDuration: '0s' } }, 'must be from 1s to 24h'],
    ['a recheck of days', { gates: { recheckTimeout: '25h' } }, 'must be from 1s to 24h'],
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

  for (const name of globSync('docs/examples/*.yaml', { cwd: ROOT })) {
    it(`is not what the manual shows: ${name}`, async () => {
      await h.kubectl('apply', '--dry-run=server', '-f', join(ROOT, name));
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

  it('of two policies that select the same nodes, the one of higher priority owns them, and the other says so', async () => {
    const machine = await h.addMachine('shared');
    await h.applyPolicy({ mode: 'Enforce' }, 'older');
    await h.untilPolicy('Ready', 'True', 'InForce', 'older');
    await h.applyPolicy({ mode: 'Report', priority: 1 }, 'younger');
    const { message } = await h.untilPolicy('Ready', 'True', 'Overlapping', 'older');
    expect(message).to.contain('shared (younger)');
    await h.untilPolicy('Ready', 'True', 'ReportOnly', 'younger');
    const wide = await h.kubectl('get', 'rbp', '-o', 'wide');
    expect(wide).to.match(/MAX UNAVAILABLE\s+PRIORITY\s+AGE/);
    expect(wide).to.match(/younger .* 1\s+1\s+\d+s/);
    machine.requireReboot();
    await h.untilVerdict('shared', 'ReportOnly');
    expect(h.slots()).to.deep.equal([]);
    await machine.remove();
  });

  it('of two policies that select the same nodes, the younger owns none of them and says so', async () => {
    const machine = await h.addMachine('common');
    await h.applyPolicy({ mode: 'Report' }, 'older');
    await h.untilPolicy('Ready', 'True', 'ReportOnly', 'older');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await h.applyPolicy({}, 'younger');
    const { message } = await h.untilPolicy('Ready', 'True', 'Overlapping', 'younger');
    expect(message).to.contain('common (older)');
    machine.requireReboot();
    await h.untilVerdict('common', 'ReportOnly');
    expect(h.slots()).to.deep.equal([]);
    await machine.remove();
  });

  it('a selector that matches no node is told by the policy, until a node comes that it selects', async () => {
    await h.applyPolicy({ nodeSelector: { matchLabels: { role: 'wroker' } }, mode: 'Report' });
    const { message } = await h.untilPolicy('Ready', 'True', 'NothingSelected');
    expect(message).to.contain('nodeSelector');
    expect(await h.kubectl('get', 'rbp', 'workers')).to.match(/workers\s+Report\s+0\s.*NothingSelected/);
    await h.kubectl('label', 'node', 'spare', 'role=wroker', '--overwrite');
    await h.untilPolicy('Ready', 'True', 'ReportOnly');
  });
});
