import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { kubeConfigCredentials } from '../../src/platform/kubeConfig.ts';
import { serviceAccountCredentials } from '../../src/platform/serviceAccount.ts';
import { FakeClock } from '../support/clock.ts';

describe('the credentials of a service account', () => {
  let folder: string;
  let clock: FakeClock;
  const server = new URL('https://10.0.0.1:443');
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'account-'));
    clock = new FakeClock();
    writeFileSync(join(folder, 'token'), 'first\n');
    writeFileSync(join(folder, 'ca.crt'), 'CA');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const credentials = () =>
    serviceAccountCredentials({ server, tokenFile: join(folder, 'token'), caFile: join(folder, 'ca.crt') }, clock);

  it('are the token and the CA of the pod', async () => {
    expect(await credentials()(false)).to.deep.equal({ server, ca: 'CA', headers: { authorization: 'Bearer first' } });
  });

  it('are read again after a minute, since tokens rotate, and not for every request', async () => {
    const ask = credentials();
    await ask(false);
    writeFileSync(join(folder, 'token'), 'second');
    await clock.advance(60_000);
    expect((await ask(false)).headers).to.deep.equal({ authorization: 'Bearer first' });
    await clock.advance(1);
    expect((await ask(false)).headers).to.deep.equal({ authorization: 'Bearer second' });
  });

  it('are read again at once when they were refused', async () => {
    const ask = credentials();
    await ask(false);
    writeFileSync(join(folder, 'token'), 'second');
    expect((await ask(true)).headers).to.deep.equal({ authorization: 'Bearer second' });
  });

  it('fail while the token cannot be read', async () => {
    rmSync(join(folder, 'token'));
    expect(await credentials()(false).catch((error: unknown) => error)).to.have.property('code', 'ENOENT');
  });
});

describe('the credentials of a kubeconfig', () => {
  const kubeConfig = (user: object) => {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'c', server: 'https://api.example:6443', caData: Buffer.from('CA').toString('base64') }],
      users: [{ name: 'u', ...user }],
      contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
      currentContext: 'x',
    });
    return config;
  };

  it('are its server, CA and token', async () => {
    const { server, ca, headers } = await kubeConfigCredentials(kubeConfig({ token: 'secret' }))(false);
    expect(server.href).to.equal('https://api.example:6443/');
    expect(String(ca)).to.equal('CA');
    expect(headers).to.deep.equal({ Authorization: 'Bearer secret' });
  });

  it('bring no connection pool of their own', async () => {
    expect(await kubeConfigCredentials(kubeConfig({ token: 'secret' }))(false)).not.to.have.property('agent');
  });

  it('fail where no cluster is named', async () => {
    const error = await kubeConfigCredentials(new KubeConfig())(false).catch((thrown: unknown) => thrown);
    expect(error).to.have.property('message', 'the kubeconfig names no current cluster');
  });
});
