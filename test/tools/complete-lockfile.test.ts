import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { missingPackages } from '../../tools/complete-lockfile.ts';

const here = { version: '1.2.3', os: ['linux'], cpu: ['x64'] };

describe('The lockfile', () => {
  it('has the packages of every platform', () => {
    const lockfile = readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8');
    expect(missingPackages(JSON.parse(lockfile))).to.deep.equal({});
  });

  it('gets the packages of other platforms, held to their platform', () => {
    const optionalDependencies = {
      '@a/cli-linux-x64': '1.2.3',
      '@a/cli-linux-x64-musl': '1.2.3',
      'b.darwin-arm64': '1.2.3',
    };
    const parent = { version: '1.2.3', dev: true, optionalDependencies };
    expect(() => missingPackages({ packages: { 'node_modules/a': parent } })).to.throw('b.darwin-arm64@1.2.3');
    delete (optionalDependencies as Record<string, string>)['b.darwin-arm64'];
    expect(
      missingPackages({ packages: { 'node_modules/a': parent, 'node_modules/@a/cli-linux-x64': here } }),
    ).to.deep.equal({
      'node_modules/@a/cli-linux-x64-musl': {
        version: '1.2.3',
        cpu: ['x64'],
        dev: true,
        libc: ['musl'],
        optional: true,
        os: ['linux'],
      },
    });
  });
});
