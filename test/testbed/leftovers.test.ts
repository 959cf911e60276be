import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect } from 'chai';
import { makeOwnedFolder } from './process/owned.ts';
import { waitFor } from './process/wait.ts';

describe('a test run that is cut off', () => {
  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    it(`leaves no process of its bed behind after ${signal}`, async () => {
      const { owner, folder } = await startBed();
      // etcd, API server, controller manager, scheduler, kwok, Prometheus, each with its supervisor.
      expect(commandsNaming(folder).length).to.be.at.least(6);
      owner.kill(signal);
      await once(owner, 'exit');
      await waitFor('the end of everything', () => commandsNaming(folder).length === 0, {
        timeoutMs: 10_000,
        explain: () => commandsNaming(folder).join('\n'),
      });
      rmSync(folder, { recursive: true, force: true });
    });
  }

  it('has its folder removed by the next run', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'drydock-test-'));
    const script = `
      import { makeOwnedFolder } from ${JSON.stringify(join(import.meta.dirname, 'process', 'owned.ts'))};
      console.log(makeOwnedFolder(${JSON.stringify(parent)}, 'bed-'));`;
    const orphan = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    }).trim();
    writeFileSync(join(orphan, 'state'), 'x');
    const mine = makeOwnedFolder(parent, 'bed-');
    expect(existsSync(orphan), 'of a process that has ended').to.equal(false);
    const second = makeOwnedFolder(parent, 'bed-');
    expect(existsSync(mine), 'of a process that runs').to.equal(true);
    expect(second).to.not.equal(mine);
    rmSync(parent, { recursive: true, force: true });
  });
});

async function startBed(): Promise<{ owner: ChildProcess; folder: string }> {
  const script = join(import.meta.dirname, 'fixtures', 'bed.ts');
  const owner = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: owner.stdout as Readable });
  const [folder] = (await once(lines, 'line')) as [string];
  return { owner, folder };
}

/** Command lines of running processes that mention the folder: all of a bed do, for their state or their identity. */
function commandsNaming(folder: string): string[] {
  const commands = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return commands.filter((command) => command.includes(folder) && !command.startsWith('/bin/sh'));
}
