import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect } from 'chai';
import { isRunning } from './process/owned.ts';
import { SupervisedProcess } from './process/supervised.ts';
import { WaitError, waitFor } from './process/wait.ts';

describe('a supervised process', () => {
  let folder: string;
  let logFile: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drydock-test-'));
    logFile = join(folder, 'program.log');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (...args: string[]): Promise<SupervisedProcess> =>
    SupervisedProcess.start({ name: 'program', command: 'sh', args: ['-c', ...args], logFile });

  it('reports the exit code of the program and keeps its output', async () => {
    const program = await start('echo out; echo err >&2; exit 7');
    expect(await program.exited).to.deep.equal({ code: 7 });
    expect(program.running).to.equal(false);
    expect(program.log()).to.equal('out\nerr\n');
  });

  it('delivers a signal to the program itself', async () => {
    const program = await start('trap "echo caught; exit 3" TERM; echo ready; while :; do sleep 0.02; done');
    await program.waitUntil('its trap', 5_000, () => program.log().includes('ready'));
    expect(await program.terminate(5_000)).to.deep.equal({ code: 3 });
    expect(program.log()).to.equal('ready\ncaught\n');
  });

  it('is gone with all its children after kill', async () => {
    const program = await start('sleep 100 & echo $!; wait');
    const child = await program.waitUntil(
      'the process ID of the child',
      5_000,
      () => Number(program.log()) || undefined,
    );
    await program.kill();
    await goneSoon(program.pid, child);
  });

  it('ends a wait with the last lines of its log when nothing comes', async () => {
    const program = await start('echo this is the reason; sleep 100');
    await program.waitUntil('its output', 5_000, () => program.log().length > 0);
    const error = await rejection(program.waitUntil('a miracle', 100, () => undefined));
    expect(error).to.be.instanceOf(WaitError);
    expect(error.message).to.contain('program: a miracle: not after 100 ms').and.to.contain('this is the reason');
    await program.kill();
  });

  it('ends a wait at once when it has died', async () => {
    const program = await start('echo out of luck; exit 1');
    const error = await rejection(program.waitUntil('a miracle', 60_000, () => undefined));
    expect(error.message).to.contain('ended with code 1').and.to.contain('out of luck');
  });

  it('bounds a wait whose probe hangs', async () => {
    const error = await rejection(waitFor('an answer', () => new Promise<true>(() => undefined), { timeoutMs: 50 }));
    expect(error.message).to.contain('an answer: not after 50 ms');
  });

  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
    it(`does not outlive an owner that is ended by ${signal}`, async () => {
      const { owner, pid } = await startOwner(logFile, 'sh', '-c', 'sleep 1000 & echo $!; wait');
      const grandchild = await waitFor('the child', () => Number(readLog(logFile)) || undefined, { timeoutMs: 5_000 });
      expect(isRunning(pid), 'running before').to.equal(true);
      owner.kill(signal);
      await once(owner, 'exit');
      await goneSoon(pid, grandchild);
    });
  }
});

async function startOwner(logFile: string, ...command: string[]): Promise<{ owner: ChildProcess; pid: number }> {
  const script = join(import.meta.dirname, 'fixtures', 'owner.ts');
  const owner = spawn(process.execPath, [script, logFile, ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: owner.stdout as Readable });
  const [pid] = (await once(lines, 'line')) as [string];
  return { owner, pid: Number(pid) };
}

function readLog(logFile: string): string {
  return readFileSync(logFile, 'utf8');
}

async function goneSoon(...pids: number[]): Promise<void> {
  await waitFor(`end of the processes ${pids.join(', ')}`, () => !pids.some(isRunning), { timeoutMs: 5_000 });
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a rejection');
}
