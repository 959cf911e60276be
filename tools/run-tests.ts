/**
 * Runs parts of the tests, one after the other, and adds them up.
 *
 *   node tools/run-tests.ts fast real
 *
 * The last line is always `N passed, N failed, N skipped`. A part that does not come to its end counts as failed.
 */
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

export interface Part {
  name: string;
  about: string;
  /** Globs of the test files, which begin in this order. */
  files: readonly string[];
  /** How long one test may take unless it says otherwise, in milliseconds. */
  testTimeoutMs: number;
  /** How long the part may take, in milliseconds. */
  timeoutMs: number;
  /** How many of its files run at the same time, each in a process of its own. Default 1, and all in the same process. */
  jobs?: number;
}

const parts: readonly Part[] = [
  {
    name: 'fast',
    about: 'everything that needs no other programs',
    // the model comes first, because it takes longest
    files: [
      'test/model/*.test.ts',
      'test/{core,api,cluster,agent,controller,gates,telemetry,platform,tools,cli,invariants}/**/*.test.ts',
    ],
    testTimeoutMs: 10_000,
    timeoutMs: 300_000,
    jobs: Math.min(4, availableParallelism()),
  },
  {
    name: 'real',
    about: 'against a real control plane',
    // what takes longest comes first, so that no process is left alone with it at the end
    files: [
      'test/e2e/{agentfaults,lost,frozen,gates,crash,drain,takeover,budget,wishes,installation}.test.ts',
      'test/e2e/{people,prometheus,interruptions}.test.ts',
      'test/e2e/**/*.test.ts',
      'test/testbed/**/*.test.ts',
    ],
    testTimeoutMs: 240_000,
    timeoutMs: 3_600_000,
    // much of it is waiting; each has a control plane of its own, which takes half a GiB
    jobs: Math.min(8, 2 * availableParallelism()),
  },
];

/** Runs one part in a mocha of its own, with its output on ours or, if quiet, nowhere. */
export async function runPart(part: Part, root: string, quiet = false): Promise<Totals> {
  const broken = (what: string): Totals => {
    if (!quiet) console.error(`The ${part.name} part ${what}; this counts as a failed test.`);
    return { passed: 0, failed: 1, skipped: 0 };
  };
  const files = [...new Set(part.files.flatMap((glob) => globSync(glob, { cwd: root }).sort()))];
  if (files.length === 0) return broken('has no test files');
  const scratch = mkdtempSync(join(tmpdir(), 'tests-'));
  const totalsFile = join(scratch, 'totals.json');
  try {
    const ended = await runMocha(part, files, root, totalsFile, quiet);
    const totals = readTotals(totalsFile);
    if (totals === undefined) return broken(`did not come to its end (${ended})`);
    if (ended !== 'exit code 0' && totals.failed === 0) {
      return add(totals, broken(`ended with ${ended} although no test failed`));
    }
    return totals;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** How mocha ended, in words. */
function runMocha(
  part: Part,
  files: readonly string[],
  root: string,
  totalsFile: string,
  quiet: boolean,
): Promise<string> {
  const here = import.meta.dirname;
  const mocha = join(here, '../node_modules/mocha/bin/mocha.js');
  const options = ['--reporter', join(here, 'reporter.ts'), '--timeout', String(part.testTimeoutMs), '--forbid-only'];
  if (part.jobs !== undefined) options.push('--parallel', '--jobs', String(part.jobs));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [mocha, '--no-config', ...options, ...files], {
      cwd: root,
      env: { ...process.env, TEST_TOTALS: totalsFile },
      stdio: quiet ? 'ignore' : 'inherit',
      timeout: part.timeoutMs,
      killSignal: 'SIGKILL',
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
}

function readTotals(file: string): Totals | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Totals;
  } catch {
    return undefined; // mocha died before it could write them
  }
}

function add(a: Totals, b: Totals): Totals {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

export function sentence({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

async function main(names: readonly string[]) {
  const chosen = names.map((name) => {
    const part = parts.find((candidate) => candidate.name === name);
    if (part === undefined)
      throw new Error(`there is no part ${name}; choose from ${parts.map((p) => p.name).join(', ')}`);
    return part;
  });
  const lines: string[] = [];
  let sum: Totals = { passed: 0, failed: 0, skipped: 0 };
  for (const part of chosen) {
    console.log(`\n── ${part.name}: ${part.about}`);
    const start = performance.now();
    const totals = await runPart(part, join(import.meta.dirname, '..'));
    lines.push(`${part.name}: ${sentence(totals)} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    sum = add(sum, totals);
  }
  for (const line of lines) console.log(line);
  console.log(sentence(sum));
  process.exitCode = sum.failed > 0 ? 1 : 0;
}

if (import.meta.main) await main(process.argv.slice(2));
