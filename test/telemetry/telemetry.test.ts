import { expect } from 'chai';
import { errorFields, type Fields, type Log, type LogLevel } from '../../src/telemetry/log.ts';
import { ControllerMetrics, type Fleet } from '../../src/telemetry/metrics.ts';
import { plainLog } from '../../src/telemetry/plainLog.ts';
import { winstonLog } from '../../src/telemetry/winstonLog.ts';
import { NOON } from '../support/cluster.ts';

type Console = { _stdout: { write(text: string): boolean } };

/** What winston writes to standard output while something is logged. */
function printed(say: () => void): string[] {
  const stdout = (console as unknown as Console)._stdout;
  const write = stdout.write;
  const written: string[] = [];
  stdout.write = (text: string) => written.push(text) > 0;
  try {
    say();
  } finally {
    stdout.write = write;
  }
  return written;
}

/** Both logs write the same lines; each gives those of what is logged. */
const logs: Record<string, (level: LogLevel, context: Fields, say: (log: Log) => void) => string[]> = {
  controller: (level, context, say) => printed(() => say(winstonLog(level, context))),
  agent: (level, context, say) => {
    const written: string[] = [];
    say(plainLog(level, context, { now: () => NOON }, (line) => written.push(line)));
    return written;
  },
};

for (const [whose, write] of Object.entries(logs)) {
  describe(`the log of the ${whose}`, () => {
    const lines = (level: LogLevel, say: (log: Log) => void) =>
      write(level, { component: 'tests' }, say).map((line) => JSON.parse(line) as Record<string, unknown>);

    it('is one JSON object a line, with a message, a level, a time and fields', () => {
      const written = write('info', { component: 'tests' }, (log) =>
        log.info('cordon', { node: 'n1', list: ['a\nb'] }),
      );
      expect(written).to.have.length(1);
      expect(written[0]).to.match(/^[^\n]*\n$/);
      const line = JSON.parse(written[0] ?? '');
      expect(line).to.include({ level: 'info', message: 'cordon', component: 'tests', node: 'n1' });
      expect(line.list).to.deep.equal(['a\nb']);
      expect(line.timestamp).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    });

    it('leaves out what is below its level', () => {
      const said = lines('warn', (log) => {
        log.debug('a');
        log.info('b');
        log.warn('c');
        log.error('d');
      });
      expect(said.map(({ message, level }) => [message, level])).to.deep.equal([
        ['c', 'warn'],
        ['d', 'error'],
      ]);
    });

    it('tells an error in fields that do not overwrite the message', () => {
      const cause = new Error('ECONNREFUSED');
      const fields = errorFields(new TypeError('no answer', { cause }));
      expect(fields).to.deep.equal({ error: 'no answer', errorType: 'TypeError', cause: 'ECONNREFUSED' });
      expect(errorFields('text')).to.deep.equal({ error: 'text' });
      const [line] = lines('info', (log) => log.warn('a read failed', fields));
      expect(line).to.include({ message: 'a read failed', error: 'no answer' });
    });
  });
}

describe('the log of the agent, besides', () => {
  it('lets no field take the place of its message, level or time', () => {
    const written: string[] = [];
    const log = plainLog('info', {}, { now: () => NOON }, (line) => written.push(line));
    log.info('said', { message: 'forged', level: 'error', timestamp: 'never', node: 'n1' });
    expect(JSON.parse(written[0] ?? '')).to.deep.equal({
      timestamp: new Date(NOON).toISOString(),
      level: 'info',
      message: 'said',
      node: 'n1',
    });
  });
});

describe('the metrics', () => {
  let metrics: ControllerMetrics;
  beforeEach(() => {
    metrics = new ControllerMetrics();
  });
  const samples = async () =>
    (await metrics.registry.metrics())
      .split('\n')
      .filter((line) => /^drydock_(?!.*(bucket|_sum|_count))/.test(line))
      .sort();
  const fleet = (...names: string[]): Fleet => ({
    required: new Map(names.map((name) => [name, name === 'n1'])),
    policies: names.map((name) => ({
      policy: `policy-${name}`,
      ready: name === 'n1',
      phases: new Map([['Pending', 2]]),
      blockedBy: name === 'n1' ? 'Held' : null,
      halted: name === 'n1',
      failed: 2,
    })),
  });

  it('are there from the start, so that their absence is telling', async () => {
    expect(await samples()).to.deep.equal(['drydock_leader 0', 'drydock_slots 0']);
    expect(await metrics.registry.metrics()).to.contain('process_cpu_seconds_total');
  });

  it('say of nodes and policies what is the case', async () => {
    metrics.fleet(fleet('n1', 'n2'));
    expect(await samples()).to.deep.equal([
      'drydock_leader 0',
      'drydock_nodes{policy="policy-n1",phase="Pending"} 2',
      'drydock_nodes{policy="policy-n2",phase="Pending"} 2',
      'drydock_policy_blocked{policy="policy-n1",reason="Held"} 1',
      'drydock_policy_failed_nodes{policy="policy-n1"} 2',
      'drydock_policy_failed_nodes{policy="policy-n2"} 2',
      'drydock_policy_halted{policy="policy-n1"} 1',
      'drydock_policy_halted{policy="policy-n2"} 0',
      'drydock_policy_ready{policy="policy-n1"} 1',
      'drydock_policy_ready{policy="policy-n2"} 0',
      'drydock_reboot_required{node="n1"} 1',
      'drydock_reboot_required{node="n2"} 0',
      'drydock_slots 0',
    ]);
  });

  it('say nothing more of nodes and policies that are gone', async () => {
    metrics.fleet(fleet('n1', 'n2'));
    metrics.fleet(fleet('n2'));
    expect((await samples()).filter((line) => line.includes('n1'))).to.deep.equal([]);
  });

  it('say nothing of the fleet in a process that no longer leads', async () => {
    metrics.leads(true);
    metrics.slots(3);
    metrics.fleet(fleet('n1'));
    metrics.attemptEnded({ policy: 'p', outcome: 'Failed', code: 'x' }, 5);
    metrics.leads(false);
    expect(await samples(), 'but what it has counted').to.deep.equal([
      'drydock_attempts_total{policy="p",outcome="Failed",code="x"} 1',
      'drydock_leader 0',
      'drydock_slots 0',
    ]);
  });

  it('measure durations only of reboots that were proven', async () => {
    metrics.attemptEnded({ policy: 'p', outcome: 'Interrupted', code: 'Held' }, 5);
    expect(await metrics.registry.metrics()).not.to.contain('drydock_reboot_duration_seconds_sum{');
    metrics.attemptEnded({ policy: 'p', outcome: 'Rebooted', code: 'Rebooted' }, 61);
    expect(await metrics.registry.metrics()).to.contain('drydock_reboot_duration_seconds_sum{policy="p"} 61');
  });
});
