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
  /** The steps that lead there. */
  trace: string[];
  output: string;
}

function explore(...args: string[]): Promise<Exploration> {
  return new Promise((resolve) => {
    execFile('python3', [model, ...args], { timeout: longestMs }, (_error, stdout, stderr) => {
      const [summary = '', ...trace] = stdout.trimEnd().split('\n');
      resolve({ verdict: /^\d+ states.*: (.+)$/.exec(summary)?.[1], trace, output: stdout + stderr });
    });
  });
}

/** The rules that the model can leave out, as its usage names them. */
function rules(): string[] {
  const { stderr } = spawnSync('python3', [model, '--break', '?'], { encoding: 'utf8' });
  return /\[--break ([\w|-]+)\]/.exec(stderr)?.[1]?.split('|') ?? [];
}

describe('The model of the handshake', function () {
  this.timeout(longestMs);
  if (!hasPython) {
    it('is explored (skipped: python3 is missing; install it, for example by apt-get install python3)');
    return;
  }

  it('holds in every state that it can reach', async () => {
    const { verdict, output } = await explore();
    expect(verdict, output).to.equal('no violation');
  });

  it('can leave out rules', () => expect(rules()).not.to.be.empty);

  describe('is violated', () => {
    const explored = new Map<string, Promise<Exploration>>();
    before(() => {
      let lanes = Array.from({ length: availableParallelism() }, (): Promise<unknown> => Promise.resolve());
      for (const rule of rules()) {
        const [lane, ...others] = lanes;
        const exploration = Promise.resolve(lane).then(() => explore('--break', rule));
        explored.set(rule, exploration);
        lanes = [...others, exploration];
      }
    });
    for (const rule of rules()) {
      it(`without the rule that ${rule} leaves out`, async () => {
        const found = await explored.get(rule);
        expect(found?.verdict, found?.output)
          .to.be.a('string')
          .and.not.match(/^(no violation|state limit)$/);
        expect(found?.trace, found?.output).not.to.be.empty;
      });
    }
  });
});
