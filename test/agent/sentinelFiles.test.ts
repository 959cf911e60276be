import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { SentinelFiles } from '../../src/agent/sentinelFiles.ts';
import { failureOf } from '../support/failure.ts';
import { folderForEach } from '../support/folder.ts';
import { MemoryLog } from '../support/log.ts';
import { waitFor } from '../testbed/process/wait.ts';

const at = folderForEach('sentinels-');

describe('sentinel files', () => {
  const sentinels = (...names: string[]) => new SentinelFiles(names.map(at), new MemoryLog());
  const changedAt = (name: string, instant: string) => utimesSync(at(name), new Date(instant), new Date(instant));
  /** The kernel's own stamp, which is of when the test has run. */
  const placedAt = (name: string) => new Date(statSync(at(name)).ctimeMs).toISOString();
  const none = { required: false, changed: '', placed: '', reasons: [] };

  it('require a reboot while one is there', async () => {
    const one = sentinels('reboot-required');
    expect(await one.read()).to.deep.equal(none);
    writeFileSync(at('reboot-required'), '');
    changedAt('reboot-required', '2026-11-01T10:00:00Z');
    expect(await one.read()).to.deep.equal({
      required: true,
      changed: '2026-11-01T10:00:00.000Z',
      placed: placedAt('reboot-required'),
      reasons: [],
    });
    rmSync(at('reboot-required'));
    expect(await one.read()).to.deep.equal(none);
  });

  it('give their reasons from the list beside them, each once, without blanks and control characters', async () => {
    writeFileSync(at('reboot-required'), '*** System restart required ***');
    writeFileSync(at('reboot-required.pkgs'), 'linux-base\nlibc6\r\n\n  libc6 \nevil\u001b[31m\n');
    expect((await sentinels('reboot-required').read()).reasons).to.deep.equal(['evil [31m', 'libc6', 'linux-base']);
  });

  it('change with their list, too', async () => {
    writeFileSync(at('reboot-required'), '');
    writeFileSync(at('reboot-required.pkgs'), 'libc6');
    changedAt('reboot-required', '2026-11-01T10:00:00Z');
    changedAt('reboot-required.pkgs', '2026-11-01T10:05:00Z');
    expect((await sentinels('reboot-required').read()).changed).to.equal('2026-11-01T10:05:00.000Z');
  });

  it('are taken together where there are several', async () => {
    writeFileSync(at('b'), '');
    writeFileSync(at('c'), '');
    writeFileSync(at('b.pkgs'), 'x\ny');
    writeFileSync(at('c.pkgs'), 'y\nz');
    for (const name of ['b', 'b.pkgs', 'c.pkgs']) changedAt(name, '2026-11-01T10:00:00Z');
    changedAt('c', '2026-11-01T11:00:00Z');
    expect(await sentinels('a', 'b', 'c').read()).to.deep.equal({
      required: true,
      changed: '2026-11-01T11:00:00.000Z',
      placed: [placedAt('b'), placedAt('c')].sort()[0],
      reasons: ['x', 'y', 'z'],
    });
  });

  it('have no more reasons than a NodeReboot takes', async () => {
    writeFileSync(at('a'), '');
    writeFileSync(at('a.pkgs'), Array.from({ length: 500 }, (_, index) => `package-${index}`).join('\n'));
    expect((await sentinels('a').read()).reasons).to.have.length(64);
  });

  it('are placed when the oldest was, whatever time their writer has given them', async () => {
    writeFileSync(at('a'), '');
    const a = placedAt('a');
    const later = () => {
      writeFileSync(at('b'), '');
      changedAt('b', '2020-01-01T00:00:00Z');
      return placedAt('b') > a;
    };
    await waitFor('a tick of the clock that stamps files', later, { timeoutMs: 5_000, everyMs: 2 });
    expect((await sentinels('a', 'b').read()).placed).to.equal(a);
  });

  it('have a list of which no more is read than 64 KiB, and no half of a line', async () => {
    writeFileSync(at('a'), '');
    writeFileSync(at('a.pkgs'), `libc6\n${'x'.repeat(16 * 1024 * 1024)}\nlinux-base\n`);
    expect((await sentinels('a').read()).reasons).to.deep.equal(['libc6']);
  });

  it('do not wait for the writer of a list that is a pipe', async () => {
    writeFileSync(at('a'), '');
    execFileSync('mkfifo', [at('a.pkgs')]);
    expect((await sentinels('a').read()).reasons).to.deep.equal([]);
  });

  it('are found through links, and not where a link leads nowhere', async () => {
    mkdirSync(at('run'));
    symlinkSync('run', at('var-run'));
    symlinkSync('nowhere', at('run/dangling'));
    writeFileSync(at('run/a'), '');
    expect((await sentinels('var-run/a').read()).required).to.equal(true);
    expect(await sentinels('var-run/dangling').read()).to.deep.equal(none);
  });

  it('require nothing where their directory is not there', async () => {
    expect(await sentinels('missing/reboot-required').read()).to.deep.equal(none);
  });

  it('are not known, and not taken for absent, where they cannot be looked at', async () => {
    writeFileSync(at('file'), '');
    expect(await failureOf(sentinels('file/reboot-required').read())).to.have.property('code', 'ENOTDIR');
    writeFileSync(at('a'), '');
    mkdirSync(at('a.pkgs'));
    expect(await failureOf(sentinels('a').read())).to.have.property('code', 'EISDIR');
  });
});
