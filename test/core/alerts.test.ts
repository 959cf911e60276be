import { expect } from 'chai';
import fc from 'fast-check';
import type { AlertRules } from '../../src/api/generated/rebootpolicy.ts';
import { judgeAlerts, readAlerts } from '../../src/core/policy/alerts.ts';
import { clean, withholding } from '../../src/core/policy/gateVerdict.ts';

type Metric = Record<string, string>;

const sample = (alertname: string, alertstate = 'firing', more: Metric = {}, value = '1') => ({
  metric: { __name__: 'ALERTS', alertname, alertstate, ...more },
  value: [1_700_000_000.5, value],
});
const answer = (...result: unknown[]) => JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });
const names = (rules: AlertRules, ...alerts: ReturnType<typeof sample>[]) => {
  const read = readAlerts(answer(...alerts), rules);
  return typeof read === 'string' ? read : read.map(({ name }) => name);
};

describe('Alerts', () => {
  it('do not block when there are none', () => expect(judgeAlerts(answer(), {})).to.equal(null));

  it('block whether they fire or are pending', () => {
    const verdict = judgeAlerts(answer(sample('DiskFull', 'pending'), sample('NodeDown')), {});
    expect(verdict).to.deep.equal({
      code: 'ActiveAlerts',
      message: 'Alerts are active: DiskFull (pending), NodeDown (firing).',
    });
  });

  it('block only once they fire where the policy says so', () => {
    const rules = { firingOnly: true };
    expect(names(rules, sample('A', 'pending'), sample('B'), sample('C', 'strange'))).to.deep.equal(['B', 'C']);
  });

  it('that are meant to fire always do not block unless the policy says what to ignore', () => {
    const always = [sample('Watchdog'), sample('InfoInhibitor'), sample('WatchdogBarks')];
    expect(names({}, ...always)).to.deep.equal(['WatchdogBarks']);
    expect(names({ ignore: [] }, ...always)).to.deep.equal(['Watchdog', 'InfoInhibitor', 'WatchdogBarks']);
    expect(names({ ignore: [{ name: 'Barks' }] }, ...always)).to.deep.equal(['Watchdog', 'InfoInhibitor']);
  });

  it('block only if they match, where the policy says which', () => {
    const rules = { match: [{ name: '^Node' }, { name: 'Full$' }] };
    expect(names(rules, sample('NodeDown'), sample('DiskFull'), sample('KubeNodeDown'))).to.deep.equal([
      'NodeDown',
      'DiskFull',
    ]);
  });

  it('are matched anywhere in their name, with case', () => {
    expect(names({ match: [{ name: 'ode' }] }, sample('NodeDown'), sample('NODEDOWN'))).to.deep.equal(['NodeDown']);
  });

  it('that match and are ignored do not block', () => {
    expect(names({ match: [{ name: 'Node' }], ignore: [{ name: 'Down' }] }, sample('NodeDown'))).to.deep.equal([]);
  });

  it('of value zero are not there', () => {
    expect(
      names({}, sample('A', 'firing', {}, '0'), sample('B', 'firing', {}, '-0'), sample('C', 'firing', {}, 'NaN')),
    ).to.deep.equal(['C']);
  });

  it('are told with their severity and namespace', () => {
    const read = readAlerts(answer(sample('A', 'firing', { severity: 'critical', namespace: 'shop', pod: 'a-1' })), {});
    expect(read).to.deep.equal([{ name: 'A', state: 'firing', labels: { severity: 'critical', namespace: 'shop' } }]);
    const verdict = judgeAlerts(answer(sample('A', 'firing', { namespace: 'shop', severity: 'critical' })), {});
    expect(verdict?.message).to.equal('Alerts are active: A (firing, severity=critical, namespace=shop).');
  });

  it('are told once, in the same order, at most ten of them', () => {
    const many = Array.from({ length: 30 }, (_, i) =>
      sample(`A${String(i % 12).padStart(2, '0')}`, 'firing', { pod: `${i}` }),
    );
    const forwards = judgeAlerts(answer(...many), {});
    expect(judgeAlerts(answer(...many.reverse()), {})).to.deep.equal(forwards);
    expect(forwards?.message).to.match(/^Alerts are active: A00 \(firing\), A01 .*, A09 \(firing\) and others\.$/);
  });

  it('cannot smuggle anything into the message', () => {
    const verdict = judgeAlerts(answer(sample('A\n\u001b[31m\u202eB\u0000', 'x'.repeat(5000))), {});
    expect(verdict?.message).to.match(/^Alerts are active: A \[31m B \(x+…\.$/);
    expect(verdict?.message.length).to.be.lessThan(200);
  });

  it('never make a message that is too long for a status', () => {
    const many = Array.from({ length: 50 }, (_, i) =>
      sample(`${i}`.padEnd(500, 'x'), 'y'.repeat(500), { severity: 'z'.repeat(500) }),
    );
    expect(judgeAlerts(answer(...many), {})?.message.length).to.be.lessThan(2048);
  });

  describe('are taken for active when the answer', () => {
    const unclear: Record<string, string> = {
      'is empty': '',
      'is not JSON': '<html>Sign in</html>',
      'is no object': '[]',
      'is null': 'null',
      'reports an error': JSON.stringify({ status: 'error', errorType: 'timeout', error: 'query timed out' }),
      'has no status': JSON.stringify({ data: { resultType: 'vector', result: [] } }),
      'has no data': JSON.stringify({ status: 'success' }),
      'is a matrix': JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [] } }),
      'has no result': JSON.stringify({ status: 'success', data: { resultType: 'vector' } }),
      'has a result that is no list': JSON.stringify({ status: 'success', data: { resultType: 'vector', result: {} } }),
      'is called incomplete': JSON.stringify({
        status: 'success',
        warnings: ['a store is down'],
        data: { resultType: 'vector', result: [] },
      }),
      'has warnings that are no list': JSON.stringify({
        status: 'success',
        warnings: 'a store is down',
        data: { resultType: 'vector', result: [] },
      }),
      'has a sample that is null': answer(null),
      'has a sample without labels': answer({ value: [1, '1'] }),
      'has a sample without a name': answer({ metric: { alertstate: 'firing' }, value: [1, '1'] }),
      'has a sample whose name is a number': answer({ metric: { alertname: 5 }, value: [1, '1'] }),
      'has a sample without a value': answer({ metric: { alertname: 'A' } }),
      'has a sample whose value is no text': answer({ metric: { alertname: 'A' }, value: [1, 0] }),
      'has a sample whose value is empty': answer(sample('A', 'firing', {}, '')),
      'has a sample whose value is no number': answer(sample('A', 'firing', {}, 'none')),
    };
    for (const [what, body] of Object.entries(unclear)) {
      it(what, () => {
        const verdict = judgeAlerts(body, {});
        expect(verdict?.code).to.equal('GateUnanswered');
        expect(verdict?.message).to.match(/^Prometheus.+\.$/);
      });
    }

    it('is anything but the answer of Prometheus', () => {
      fc.assert(
        fc.property(fc.oneof(fc.json(), fc.string()), (body) => judgeAlerts(body, {})?.code === 'GateUnanswered'),
      );
    });
  });

  it('do not block because the answer has remarks that are no warnings', () => {
    const data = { resultType: 'vector', result: [] };
    const body = JSON.stringify({ status: 'success', warnings: [], infos: ['a remark'], data });
    expect(judgeAlerts(body, {})).to.equal(null);
  });

  it('tell what Prometheus said about its error', () => {
    expect(judgeAlerts(JSON.stringify({ status: 'error', error: 'query timed out' }), {})?.message).to.equal(
      'Prometheus could not answer: query timed out.',
    );
  });

  it('text is made one short line', () => {
    expect(clean('  a\r\n\tb\u2028c  ')).to.equal('a b c');
    expect(clean('x'.repeat(121)))
      .to.have.lengthOf(120)
      .and.match(/…$/);
  });

  describe('that repeat a secret', () => {
    const quote = withholding(['s3cr3t/"x', 'other']);

    it('are told without it, also where it is written as in JSON or in URLs', () => {
      const alert = sample('A', 'firing', { namespace: 's3cr3t/"x', severity: 's3cr3t%2F%22x' });
      expect(judgeAlerts(answer(alert), {}, quote)?.message).to.equal(
        'Alerts are active: A (firing, severity=[withheld], namespace=[withheld]).',
      );
      const error = JSON.stringify({ status: 'error', error: 'bad s3cr3t/"x' });
      expect(judgeAlerts(error, {}, quote)?.message).to.equal('Prometheus could not answer: bad [withheld].');
      expect(judgeAlerts(`<p>${error}`, {}, quote)?.message).not.to.contain('s3cr3t');
    });

    it('are told without any part of it, wherever the text is cut', () => {
      fc.assert(
        fc.property(fc.nat(5_000), fc.constantFrom(' ', 'a'), (length, filler) => {
          const secret = '0123456789'.repeat(10);
          return !/\d/.test(withholding([secret])(filler.repeat(length) + secret));
        }),
      );
    });

    it('match as they are', () => {
      const alert = sample('A', 'firing', { team: 'other' });
      const rules: AlertRules = { match: [{ labels: [{ name: 'team', operator: '=', value: 'other' }] }] };
      expect(judgeAlerts(answer(alert), rules, quote)?.code).to.equal('ActiveAlerts');
    });

    it('are not changed by a secret that is empty', () => expect(withholding([''])('abc')).to.equal('abc'));
  });
});
