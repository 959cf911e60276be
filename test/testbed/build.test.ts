import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { cacheFolder, cacheRoot, providedPrograms } from './build/cache.ts';
import { type Family, families } from './build/families.ts';
import { goVersion } from './build/go.ts';
import { buildAll } from './build.ts';

describe('the build of the test bed', () => {
  let folder: string;
  const path = process.env.PATH;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drydock-test-'));
  });

  afterEach(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true, force: true });
  });

  const family = (): Family => {
    writeFileSync(join(folder, 'go.mod'), 'module example\n');
    writeFileSync(join(folder, 'go.sum'), '');
    return { name: 'f', module: folder, packages: { kubectl: 'p', other: 'q' }, flags: ['-x'] };
  };

  it('builds nothing that is in the cache', async () => {
    await buildAll(() => undefined);
    const lines: string[] = [];
    const binaries = await buildAll((line) => lines.push(line));
    expect(lines).to.be.empty;
    expect(binaries.kubectl).to.match(/\/kubectl$/);
  });

  it('keeps programs apart that are made of different things', () => {
    const original = cacheFolder('/cache', family(), 'go1.26.0');
    expect(original)
      .to.match(/^\/cache\/f-[0-9a-f]{16}$/)
      .and.to.equal(cacheFolder('/cache', family(), 'go1.26.0'));
    expect(cacheFolder('/cache', family(), 'go1.26.1')).to.not.equal(original);
    expect(cacheFolder('/cache', { ...family(), flags: [] }, 'go1.26.0')).to.not.equal(original);
    const changed = family();
    writeFileSync(join(folder, 'go.sum'), 'x');
    expect(cacheFolder('/cache', changed, 'go1.26.0')).to.not.equal(original);
  });

  it('has its cache where the environment says', () => {
    expect(cacheRoot({ DRYDOCK_TESTBED_CACHE: '/a', XDG_CACHE_HOME: '/b' })).to.equal('/a');
    expect(cacheRoot({ DRYDOCK_TESTBED_CACHE: '', XDG_CACHE_HOME: '/b' })).to.equal('/b/drydock/testbed');
  });

  it('takes from KUBEBUILDER_ASSETS what is there, and misses what has to be', () => {
    const assets = join(folder, 'assets');
    mkdirSync(assets);
    const env = { KUBEBUILDER_ASSETS: assets };
    expect(() => providedPrograms(family(), env)).to.throw('has no kubectl');
    writeFileSync(join(assets, 'kubectl'), '');
    expect([...providedPrograms(family(), env)]).to.deep.equal([['kubectl', join(assets, 'kubectl')]]);
    expect(providedPrograms(family(), {}).size).to.equal(0);
  });

  it('says how to get a Go when there is none, or one that is too old', async () => {
    process.env.PATH = folder;
    expect(await failure(goVersion('/')))
      .to.contain('There is no go in PATH')
      .and.to.contain('https://go.dev/dl/');
    writeFileSync(join(folder, 'go'), '#!/bin/sh\necho go version go1.19.8 linux/amd64\n');
    chmodSync(join(folder, 'go'), 0o755);
    expect(await failure(goVersion('/')))
      .to.contain('go1.19.8')
      .and.to.contain('too old');
  });

  it('pins in the Go modules the versions that the flags claim', () => {
    for (const { module, flags } of families) {
      const goMod = readFileSync(join(module, 'go.mod'), 'utf8');
      for (const [, version = ''] of flags.join(' ').matchAll(/(?:gitVersion|Version)=(v[\d.]+)/g)) {
        expect(goMod.split(/\s/)).to.contain(version);
      }
    }
  });
});

async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no failure',
    (error: Error) => error.message,
  );
}
