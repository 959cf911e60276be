import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';

const project = join(import.meta.dirname, '../..');

/** A function of whose branches there are too many to follow. */
const tangled = `export const f = (a: number): number => {\n${Array.from(
  { length: 13 },
  (_, i) => `  if (a === ${i}) return ${i + 1};\n`,
).join('')}  return 0;\n};\n`;

const planted: Record<string, { rule: string; file: string; text: string }> = {
  'a promise that nobody waits for': {
    rule: 'noFloatingPromises',
    file: 'src/cluster/floating.ts',
    text: 'const f = async (): Promise<void> => {};\nexport const g = (): void => {\n  f();\n};\n',
  },
  'a function that is hard to follow': {
    rule: 'noExcessiveCognitiveComplexity',
    file: 'src/cluster/tangled.ts',
    text: tangled,
  },
  any: { rule: 'noExplicitAny', file: 'src/cluster/any.ts', text: 'export const f = (a: any): unknown => a;\n' },
  'a non-null assertion': {
    rule: 'noNonNullAssertion',
    file: 'src/cluster/nonnull.ts',
    text: 'export const f = (a?: string): string => a!;\n',
  },
  'an import of types that is not marked as one': {
    rule: 'useImportType',
    file: 'src/cluster/types.ts',
    text: "import { A } from './a.ts';\n\nexport type B = A;\n",
  },
  'a file of more than 350 lines': {
    rule: 'noExcessiveLinesPerFile',
    file: 'src/cluster/long.ts',
    text: 'export {};\n'.repeat(351),
  },
  console: { rule: 'noConsole', file: 'src/cluster/console.ts', text: "console.log('a');\n" },
};

describe('The linter', () => {
  let reported: string;
  let root: string;
  before(function () {
    this.timeout(20_000);
    root = mkdtempSync(join(tmpdir(), 'lint-'));
    for (const name of ['biome.json', 'tsconfig.json', '.gitignore']) cpSync(join(project, name), join(root, name));
    symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'));
    execFileSync('git', ['init', '--quiet', root]);
    for (const { file, text } of [
      ...Object.values(planted),
      { file: 'src/cli/console.ts', text: "console.log('a');\n" },
    ]) {
      mkdirSync(join(root, dirname(file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    const biome = join(project, 'node_modules/.bin/biome');
    const run = spawnSync(biome, ['lint', '--reporter=github', '.'], { cwd: root, encoding: 'utf8' });
    reported = run.stdout + run.stderr;
  });
  after(() => rmSync(root, { recursive: true }));

  const isReported = (rule: string, file: string) =>
    reported.split('\n').some((line) => line.startsWith('::error') && line.includes(rule) && line.includes(file));

  for (const [what, { rule, file }] of Object.entries(planted)) {
    it(`reports ${what}`, () => expect(isReported(rule, file), reported).to.equal(true));
  }

  it('lets the commands write to the console', () => {
    expect(isReported('noConsole', 'src/cli/console.ts')).to.equal(false);
  });
});
