import { execFile, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const model = join(import.meta.dirname, 'handshake.py');
const hasPython = spawnSync('python3', ['--version']).status === 0;
const longestMs = 300_000;

interface Exploration {
  /** What was found: `no violation` or the rule that was broken; undefined if the model did not come to an end. */
  verdict: string | undefined;
  /** How many states have the reboot done and the node back. */
  good: number;
  /** The steps that lead there. */
  trace: string[];
  output: string;
}

function explore(...args: string[]): Promise<Exploration> {
  return new Promise((resolve) => {
    execFile('python3', [model, ...args], { timeout: longestMs }, (_error, stdout, stderr) => {
      const [summary = '', ...trace] = stdout.trimEnd().split('\n');
      const [, good, verdict] = /^\d+ states, (\d+) with .*: (.+)$/.exec(summary) ?? [];
      resolve({ verdict, good: Number(good), trace, output: stdout + stderr });
    });
  });
}

/** What can be given after an option of the model, as its usage names it. */
function namesOf(option: '--check' | '--break'): string[] {
  const { stderr } = spawnSync('python3', [model, option, '?'], { encoding: 'utf8' });
  return new RegExp(`\\[${option} ([\\w|-]+)\\]`).exec(stderr)?.[1]?.split('|') ?? [];
}

describe('The model of the handshake', function () {
  this.timeout(longestMs);
  if (!hasPython) {
    it('is explored (skipped: python3 is missing; install it, for example by apt-get install python3)');
    return;
  }

  const configurations = namesOf('--check');
  const rules = namesOf('--break');
  const explored = new Map<string, Promise<Exploration>>();
  before(() => {
    let lanes = Array.from({ length: availableParallelism() }, (): Promise<unknown> => Promise.resolve());
    const runs = [...configurations.map((name) => ['--check', name]), ...rules.map((rule) => ['--break', rule])];
    for (const run of runs) {
      const [lane, ...others] = lanes;
      const exploration = Promise.resolve(lane).then(() => explore(...run));
      explored.set(run.join(' '), exploration);
      lanes = [...others, exploration];
    }
  });

  it('has configurations, and rules that it can leave out', () => {
    expect(configurations).not.to.be.empty;
    expect(rules).not.to.be.empty;
  });

  describe('holds in every state that it can reach', () => {
    for (const configuration of configurations) {
      it(`with ${configuration}`, async () => {
        const found = await explored.get(`--check ${configuration}`);
        expect(found?.verdict, found?.output).to.equal('no violation');
        expect(found?.good, found?.output).to.be.above(0);
      });
    }
  });

  describe('is violated', () => {
    for (const rule of rules) {
      it(`without the rule that ${rule} leaves out`, async () => {
        const found = await explored.get(`--break ${rule}`);
        expect(found?.verdict, found?.output)
          .to.be.a('string')
          .and.not.match(/^(no violation|state limit)$/);
        expect(found?.trace, found?.output).not.to.be.empty;
      });
    }
  });
});
