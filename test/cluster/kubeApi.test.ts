import { expect } from 'chai';
import { ApiError, isConflict, isExpired, isNotFound } from '../../src/cluster/errors.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import { TransportError } from '../../src/platform/transport.ts';
import { type Answer, bodyOf, ScriptedTransport, status } from '../support/transport.ts';

describe('the Kubernetes API', () => {
  let transport: ScriptedTransport;
  let api: KubeApi;
  beforeEach(() => {
    transport = new ScriptedTransport();
    api = new KubeApi(transport, 'drydock-tests');
  });

  async function failureOf(answer: Answer): Promise<ApiError> {
    transport.answer = () => answer;
    return await api.get('/api/v1/nodes/n1').then(
      () => {
        throw new Error('it did not fail');
      },
      (error: ApiError) => error,
    );
  }

  it('reads with a time-out, as JSON', async () => {
    transport.answer = () => ({ body: { a: 1 } });
    expect(await api.get('/x')).to.deep.equal({ a: 1 });
    expect(transport.requests).to.deep.equal([
      { method: 'GET', path: '/x', headers: { accept: 'application/json' }, timeoutMs: 10_000 },
    ]);
    await new KubeApi(transport, 'x', 77).get('/x');
    expect(transport.requests[1]?.timeoutMs).to.equal(77);
  });

  it('lists page by page until there is no more', async () => {
    const pages = [
      { metadata: { resourceVersion: '9', continue: 'a b' }, items: [1, 2] },
      { metadata: { resourceVersion: '9', continue: 'c' }, items: [3] },
      { metadata: { resourceVersion: '9', continue: '' }, items: [4] },
    ];
    transport.answer = () => ({ body: pages[transport.requests.length - 1] });
    expect(await api.list('/x', { fieldSelector: 'a=b' })).to.deep.equal({ resourceVersion: '9', items: [1, 2, 3, 4] });
    expect(transport.requests.map(({ path }) => path)).to.deep.equal([
      '/x?fieldSelector=a%3Db&limit=500',
      '/x?fieldSelector=a%3Db&limit=500&continue=a+b',
      '/x?fieldSelector=a%3Db&limit=500&continue=c',
    ]);
  });

  it('gives no half of a list', async () => {
    transport.answer = () =>
      transport.requests.length === 1
        ? { body: { metadata: { resourceVersion: '9', continue: 'a' }, items: [1] } }
        : status(410, 'Expired');
    const error = await api.list('/x').catch((thrown: unknown) => thrown);
    expect(isExpired(error)).to.equal(true);
  });

  it('creates and patches in the name of its field manager', async () => {
    await api.create('/x', { a: 1 });
    await api.patch('/x/y', { b: null });
    expect(transport.requests.map(({ method, path }) => `${method} ${path}`)).to.deep.equal([
      'POST /x?fieldManager=drydock-tests',
      'PATCH /x/y?fieldManager=drydock-tests',
    ]);
    expect(transport.requests.map(({ headers }) => headers?.['content-type'])).to.deep.equal([
      'application/json',
      'application/merge-patch+json',
    ]);
    expect(transport.requests.map(bodyOf)).to.deep.equal([{ a: 1 }, { b: null }]);
  });

  it('deletes exactly the object that was read', async () => {
    await api.remove('/x/y', { uid: 'u', resourceVersion: '5' });
    const [request] = transport.requests;
    expect(request).to.include({ method: 'DELETE', path: '/x/y' });
    expect(request && bodyOf(request)).to.deep.include({ preconditions: { uid: 'u', resourceVersion: '5' } });
  });

  it('watches with bookmarks, line by line, and closes when nobody reads on', async () => {
    const lines = api.watch('/x', { resourceVersion: '5' }, 77, new AbortController().signal);
    const first = lines.next();
    await Promise.resolve();
    transport.last.line('');
    transport.last.line({ type: 'ADDED', object: 1 });
    expect(await first).to.deep.equal({ done: false, value: { type: 'ADDED', object: 1 } });
    expect(transport.last.path).to.equal('/x?resourceVersion=5&watch=true&allowWatchBookmarks=true');
    expect([transport.last.idleMs, transport.last.closed]).to.deep.equal([77, false]);
    await lines.return(undefined);
    expect(transport.last.closed).to.equal(true);
  });

  it('says why a watch was refused', async () => {
    transport.answerStream = () => status(403, 'Forbidden', 'no right to watch');
    const error = await api
      .watch('/x', {}, 1, new AbortController().signal)
      .next()
      .catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(ApiError);
    expect(error).to.include({ status: 403, reason: 'Forbidden', message: 'WATCH /x: 403 no right to watch' });
    expect(transport.last.closed).to.equal(true);
  });

  it('turns every answer other than 2xx into an error that says what was asked and why it failed', async () => {
    const error = await failureOf(
      status(422, 'Invalid', 'spec is wrong', {
        causes: [{ reason: 'FieldValueRequired', message: 'spec: Required' }],
      }),
    );
    expect(error).to.be.instanceOf(ApiError);
    expect(error).to.include({ status: 422, reason: 'Invalid', retryAfterMs: 0 });
    expect(error.message).to.equal('GET /api/v1/nodes/n1: 422 spec is wrong');
    expect(error.causes).to.deep.equal([{ reason: 'FieldValueRequired', message: 'spec: Required' }]);
    expect((await failureOf({ status: 302 })).status, 'redirects are not followed').to.equal(302);
  });

  it('takes an error that is no Status from whoever answers', async () => {
    for (const body of ['<html>Bad Gateway</html>', 'null', '"x"', '']) {
      const error = await failureOf({ status: 502, body });
      expect(error).to.include({ status: 502, reason: '', retryAfterMs: 0 });
    }
    expect((await failureOf({ status: 502, body: 'x'.repeat(9_999) })).message).to.have.length.below(300);
  });

  it('waits as long as the server asks, by header or by details, whichever is longer', async () => {
    const busy = status(429, 'TooManyRequests', 'busy', { retryAfterSeconds: 3 }) as object;
    expect(await failureOf({ ...busy })).to.include({ retryAfterMs: 3_000 });
    expect(await failureOf({ ...busy, headers: { 'retry-after': '8' } })).to.include({ retryAfterMs: 8_000 });
    const date = { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' };
    expect(await failureOf({ ...busy, headers: date })).to.include({ retryAfterMs: 3_000 });
  });

  it('tells apart what is gone, what has changed and what has expired', async () => {
    const gone = await failureOf(status(404, 'NotFound'));
    const conflict = await failureOf(status(409, 'Conflict'));
    const expired = await failureOf(status(410, 'Gone'));
    const broken = await failureOf(status(500, 'InternalError'));
    const silent = new TransportError('no answer');
    const all = [gone, conflict, expired, broken, silent, new Error('x'), null];
    expect(all.filter(isNotFound)).to.deep.equal([gone]);
    expect(all.filter(isConflict)).to.deep.equal([conflict]);
    expect(all.filter(isExpired)).to.deep.equal([expired]);
  });
});
