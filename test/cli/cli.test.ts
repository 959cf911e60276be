import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describeFailure } from '../../src/cli/failure.ts';
import { apiServerURL, wholeNumber } from '../../src/cli/options.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

function drydock(...words: string[]): Promise<Ran> {
  const { NODE_NAME: _, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...words], { timeout: 9_000, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

describe('the command line', () => {
  it('says what there is', async () => {
    const { code, stdout } = await drydock('--help');
    expect(code).to.equal(0);
    for (const word of ['Usage: drydock', 'agent', 'controller']) expect(stdout).to.contain(word);
  });

  it('refuses what it does not know or cannot take, with a sentence, and no trace', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cli-'));
    const token = join(folder, 'token');
    const claims = { 'kubernetes.io': { node: { name: 'other', uid: 'u' } } };
    writeFileSync(token, `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`);
    const wrong: [string[], RegExp][] = [
      [['controller', '--max-disrupted', '0'], /It must be a whole number from 1 to 200/],
      [['agent', '--node-name', 'n1', '--token-file', token], /^drydock: the token is bound to node other, but/],
    ];
    const ran = await Promise.all(wrong.map(([words]) => drydock(...words)));
    rmSync(folder, { recursive: true });
    for (const [index, { code, stdout, stderr }] of ran.entries()) {
      expect(code, stderr).to.equal(1);
      expect(stderr).to.match(wrong[index]?.[1] ?? /^$/);
      expect(stderr).not.to.contain('    at ');
      expect(stdout).to.equal('');
    }
  });

  it('takes whole numbers within their bounds, and nothing that only looks like one', () => {
    const parse = wholeNumber(1, 200);
    expect([parse('1'), parse('200'), parse('007')]).to.deep.equal([1, 200, 7]);
    for (const text of ['0', '201', '-1', '1.5', '1e2', '', ' 1', '0x10', 'x']) {
      expect(() => parse(text), JSON.stringify(text)).to.throw('whole number from 1 to 200');
    }
  });

  it('takes only an API server that proves who it is', () => {
    expect(apiServerURL('https://10.0.0.1:6443').host).to.equal('10.0.0.1:6443');
    for (const text of ['http://10.0.0.1', '10.0.0.1:6443', '', 'file:///x'])
      expect(() => apiServerURL(text), text).to.throw('https://');
  });

  it('ends in a line that says what went wrong, whatever was thrown', () => {
    expect(describeFailure(new Error('no token'))).to.equal('drydock: no token');
    expect(describeFailure('text')).to.equal('drydock: text');
  });
});
