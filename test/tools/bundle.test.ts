import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Bundled, bundle } from '../../tools/bundle.ts';

const project = join(import.meta.dirname, '../..');

describe('The bundle', function () {
  this.timeout(60_000);
  let outdir: string;
  let bundled: Bundled;
  before(async () => {
    outdir = mkdtempSync(join(tmpdir(), 'bundle-'));
    bundled = await bundle(project, outdir);
  });
  after(() => rmSync(outdir, { recursive: true }));

  const run = (...words: string[]) =>
    spawnSync(process.execPath, [join(outdir, 'drydock.cjs'), ...words], { encoding: 'utf8' });
  const inputs = (file: string) =>
    Object.entries(bundled)
      .filter(([output]) => output.endsWith(`/${file}`))
      .flatMap(([, output]) => Object.keys(output.inputs));

  it('knows its version', () => {
    const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string };
    expect(run('--version').stdout).to.equal(`${version}\n`);
  });

  for (const command of ['agent', 'controller']) {
    it(`runs the ${command}, without a warning`, () => {
      const { status, stdout, stderr } = run(command, '--help');
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
      expect(stdout).to.include(`drydock ${command}`);
    });
  }

  it('keeps the client library of Kubernetes out of the agent', () => {
    expect(inputs('controller.cjs').join()).to.include('node_modules/@kubernetes/client-node/');
    expect(inputs('agent.cjs')).not.to.be.empty;
    expect([...inputs('agent.cjs'), ...inputs('drydock.cjs')].join()).not.to.include('@kubernetes/client-node');
  });

  it('keeps winston out of the agent, which has no memory to spare', () => {
    expect(inputs('controller.cjs').join()).to.include('node_modules/winston/');
    expect(inputs('agent.cjs').join()).not.to.include('node_modules/winston/');
  });

  it('runs the agent without the controller', () => {
    rmSync(join(outdir, 'controller.cjs'));
    expect(run('agent', '--help').status).to.equal(0);
  });
});
