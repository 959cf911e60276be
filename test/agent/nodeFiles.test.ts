import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nodeClaimOf } from '../../src/agent/nodeClaim.ts';
import { NodeFiles } from '../../src/agent/nodeFiles.ts';
import { SentinelFiles } from '../../src/agent/sentinelFiles.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'none',
    (error: unknown) => error,
  );

describe('sentinel files', () => {
  const sentinels = (...names: string[]) => new SentinelFiles(names.map(at));
  const changedAt = (name: string, instant: string) => utimesSync(at(name), new Date(instant), new Date(instant));
  const none = { required: false, changed: '', reasons: [] };

  it('require a reboot while one is there', async () => {
    const one = sentinels('reboot-required');
    expect(await one.read()).to.deep.equal(none);
    writeFileSync(at('reboot-required'), '');
    changedAt('reboot-required', '2026-11-01T10:00:00Z');
    expect(await one.read()).to.deep.equal({ required: true, changed: '2026-11-01T10:00:00.000Z', reasons: [] });
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
      reasons: ['x', 'y', 'z'],
    });
  });

  it('have no more reasons than a NodeReboot takes', async () => {
    writeFileSync(at('a'), '');
    writeFileSync(at('a.pkgs'), Array.from({ length: 500 }, (_, index) => `package-${index}`).join('\n'));
    expect((await sentinels('a').read()).reasons).to.have.length(64);
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

  it('are noticed when they appear, change, are replaced by a rename, and go', async () => {
    const stop = new AbortController();
    let notice: () => void = () => undefined;
    sentinels('reboot-required', 'other').watch(() => notice(), stop.signal);
    const noticed = async (change: () => void) => {
      const seen = new Promise<void>((resolve) => {
        notice = resolve;
      });
      change();
      await seen;
    };
    await noticed(() => writeFileSync(at('reboot-required'), ''));
    await noticed(() => writeFileSync(at('reboot-required.pkgs'), 'libc6'));
    await noticed(() => {
      writeFileSync(at('.new'), '');
      renameSync(at('.new'), at('reboot-required'));
    });
    await noticed(() => rmSync(at('reboot-required')));
    stop.abort();
  });

  it('are not watched after the end, nor where there is no directory', async () => {
    const stop = new AbortController();
    let noticed = 0;
    sentinels('missing/a').watch(() => undefined, stop.signal);
    sentinels('a').watch(() => {
      noticed += 1;
    }, stop.signal);
    stop.abort();
    writeFileSync(at('a'), '');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(noticed).to.equal(0);
  });
});

describe('the facts of a node', () => {
  const facts = () => new NodeFiles(at('boot_id'), at('uptime'));

  it('are read from the kernel every time', async () => {
    writeFileSync(at('boot_id'), 'b-1\n');
    writeFileSync(at('uptime'), '350735.47 234388.90\n');
    const node = facts();
    expect([await node.bootID(), await node.uptime()]).to.deep.equal(['b-1', 350735.47]);
    writeFileSync(at('boot_id'), 'b-2\n');
    expect(await node.bootID()).to.equal('b-2');
  });

  it('are not known where the files are missing or say nothing', async () => {
    for (const read of [facts().bootID(), facts().uptime()])
      expect(await failureOf(read)).to.have.property('code', 'ENOENT');
    for (const text of ['\n', 'x\n', '-1 2\n', 'Infinity\n']) {
      writeFileSync(at('uptime'), text);
      expect(await failureOf(facts().uptime()), text).to.be.instanceOf(Error);
    }
    writeFileSync(at('boot_id'), '\n');
    expect(await failureOf(facts().bootID())).to.be.instanceOf(Error);
  });
});

describe('the node claim of a token', () => {
  const token = (claims: unknown) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
  const claim = (node: unknown) => token({ 'kubernetes.io': { node } });

  it('names the node that the token is bound to', () => {
    expect(nodeClaimOf(claim({ name: 'n1', uid: 'u1' }))).to.deep.equal({ name: 'n1', uid: 'u1' });
  });

  it('is missing in a token that is bound to none, or to half of one', () => {
    for (const text of [claim(undefined), claim({ name: 'n1' }), claim({ name: 'n1', uid: 7 }), token({}), token(null)])
      expect(() => nodeClaimOf(text)).to.throw('names no node');
  });

  it('cannot be read from what is no token', () => {
    for (const text of ['', 'x', 'a.b.c', 'a..c']) expect(() => nodeClaimOf(text)).to.throw('JSON Web Token');
  });
});
