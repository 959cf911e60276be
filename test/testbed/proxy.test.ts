import { expect } from 'chai';
import { Api, type ApiResponse } from './cluster/api.ts';
import type { Identity } from './cluster/identity.ts';
import type { ApiProxy } from './proxy/proxy.ts';
import { isWatch, on, where } from './proxy/request.ts';
import { TestBed } from './testbed.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';

describe('a proxy of the test bed', () => {
  let bed: TestBed;
  let proxy: ApiProxy;
  let client: Api;

  before(async () => {
    bed = await TestBed.start();
    await bed.kubectl([
      'create',
      'clusterrolebinding',
      'all',
      '--clusterrole=cluster-admin',
      '--user=system:serviceaccount:default:default',
    ]);
    proxy = await bed.proxy();
    const identity: Identity = await bed.serviceAccount({ namespace: 'default', name: 'default' }, undefined, proxy);
    client = new Api(identity);
  });

  afterEach(() => proxy.clear());

  after(async () => {
    client?.close();
    await bed?.stop();
  });

  const create = (name: string): Promise<ApiResponse> =>
    client.send(MAPS, { method: 'POST', body: { metadata: { name }, data: { a: '1' } } });

  /** What the API server says of it, past the proxy. */
  const exists = async (name: string): Promise<boolean> => (await bed.api.send(`${MAPS}/${name}`)).status === 200;

  it('passes on what nothing is said about, and who asks', async () => {
    expect((await create('passed')).status).to.equal(201);
    expect(bed.audit.requests({ name: 'passed', verb: 'create' })).to.have.length(1);
    expect(bed.audit.requests({ name: 'passed' })[0]?.user).to.equal('system:serviceaccount:default:default');
  });

  it('holds a request that matches until it is released, and only that one', async () => {
    const hold = proxy.hold(
      where<{ metadata: { name: string } }>(on('POST', '/configmaps'), ({ metadata }) => metadata.name === 'held'),
    );
    const answer = create('held');
    expect((await hold.arrived()).body).to.have.nested.property('data.a', '1');
    await create('another');
    expect(await exists('held')).to.equal(false);
    hold.release();
    expect((await answer).status).to.equal(201);
    expect(await exists('held')).to.equal(true);
  });

  it('drops a held request without the API server having seen it', async () => {
    const hold = proxy.hold(on('POST', '/configmaps'));
    const answer = create('dropped').catch((error: Error) => error);
    await hold.arrived();
    hold.drop();
    expect(await answer).to.be.an('error');
    expect(await exists('dropped')).to.equal(false);
  });

  it('sends on a held request whose client has gone', async () => {
    const hold = proxy.hold(on('POST', '/configmaps'));
    const impatient = client.send(MAPS, { method: 'POST', body: { metadata: { name: 'late' } }, timeoutMs: 200 });
    expect(await impatient.catch((error: Error) => error)).to.be.an('error');
    await hold.arrived();
    expect(await hold.deliver()).to.equal(201);
    expect(await exists('late')).to.equal(true);
  });

  it('holds an answer, or loses it, to what the API server has carried out', async () => {
    const hold = proxy.holdAnswer(on('POST', '/configmaps'));
    const answer = create('answered');
    await hold.arrived();
    expect(await exists('answered')).to.equal(true);
    hold.release();
    expect((await answer).status).to.equal(201);

    const lost = proxy.loseAnswer(on('POST', '/configmaps'));
    expect(await create('unanswered').catch((error: Error) => error)).to.be.an('error');
    await lost.arrived();
    expect(await exists('unanswered')).to.equal(true);
  });

  for (const status of [409, 429, 500, 503]) {
    it(`refuses with ${status} as often as it is told`, async () => {
      proxy.refuse(on('POST', '/configmaps'), { status, headers: { 'retry-after': '1' } }, 2);
      const answers = [await create(`refused-${status}`), await create(`refused-${status}`)];
      expect(answers.map((answer) => answer.status)).to.deep.equal([status, status]);
      expect(JSON.parse(answers[0]?.text ?? '')).to.include({ kind: 'Status', code: status });
      expect((await create(`refused-${status}`)).status).to.equal(201);
    });
  }

  it('delays what it is told to', async () => {
    proxy.delay(on('POST', '/configmaps'), 300, 1);
    const asked = Date.now();
    await create('delayed');
    expect(Date.now() - asked).to.be.at.least(300);
  });

  it('passes watches on as they come, and cuts them', async () => {
    const watching = await client.stream(`${MAPS}?watch=1`, AbortSignal.timeout(10_000));
    const [first] = await Promise.all([firstEvent(watching, 'watched'), create('watched')]);
    expect(first).to.contain('"ADDED"');
    proxy.cut();
    const end = await firstEvent(watching, 'never').catch((error: Error) => error);
    expect(end).to.be.an('error');
  });

  it('refuses new watches while it is told to', async () => {
    proxy.refuse(isWatch, { status: 503 }, Number.POSITIVE_INFINITY);
    const answer = await client.stream(`${MAPS}?watch=1`, AbortSignal.timeout(10_000));
    answer.resume();
    expect(answer.statusCode).to.equal(503);
    expect((await client.send(MAPS)).status).to.equal(200);
  });
});

async function firstEvent(watching: AsyncIterable<Buffer>, of: string): Promise<string> {
  for await (const chunk of watching) if (chunk.toString().includes(`"${of}"`)) return chunk.toString();
  throw new Error('the watch ended');
}
