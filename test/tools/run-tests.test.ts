import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Part, runPart } from '../../tools/run-tests.ts';

describe('The test runner', function () {
  this.timeout(30_000);
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'runner-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** The totals of a part that consists of one file. */
  function run(text: string, changes: Partial<Part> = {}) {
    writeFileSync(join(root, 'a.test.ts'), text);
    const part = { name: 'a', about: '', files: ['*.test.ts'], testTimeoutMs: 5000, timeoutMs: 20_000, ...changes };
    return runPart(part, root, true);
  }

  it('counts what passed, failed and was skipped', async () => {
    const text = `it('a', () => {}); it('b', () => {}); it('c', () => { throw new Error(); }); it.skip('d', () => {});`;
    expect(await run(text)).to.deep.equal({ passed: 2, failed: 1, skipped: 1 });
  });

  it('counts a part without tests as failed', async () => {
    expect(await run('', { files: ['none/*.test.ts'] })).to.deep.equal({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a part that dies as failed', async () => {
    const text = `it('a', () => process.exit(0));`;
    expect(await run(text)).to.deep.equal({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a part that hangs as failed', async () => {
    const text = `it('a', () => {}); setInterval(() => {}, 1000); it('b', () => { for (;;); });`;
    expect(await run(text, { timeoutMs: 1500 })).to.deep.equal({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a part that dies after its tests as failed', async () => {
    const text = `it('a', () => { process.once('exit', () => process.kill(process.pid, 'SIGKILL')); });`;
    expect(await run(text)).to.deep.equal({ passed: 1, failed: 1, skipped: 0 });
  });

  it('counts what ran in several processes', async () => {
    writeFileSync(join(root, 'b.test.ts'), `it('b', () => {});`);
    const text = `it('a', () => {}); it('c', () => { throw new Error(); });`;
    expect(await run(text, { jobs: 2 })).to.deep.equal({ passed: 2, failed: 1, skipped: 0 });
    expect((await run(`process.exit(0)`, { jobs: 2 })).failed).to.be.greaterThan(0);
  });

  it('refuses a test that is the only one', async () => {
    expect((await run(`it('a', () => {}); it.only('b', () => {});`)).failed).to.equal(1);
  });
});
