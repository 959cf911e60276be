import { expect } from 'chai';
import type { KubeObject } from '../../src/api/objects.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import { Reflector } from '../../src/cluster/reflector.ts';
import { TransportError } from '../../src/platform/transport.ts';
import { FakeClock, settled } from '../support/clock.ts';
import { type Answer, ScriptedTransport, status } from '../support/transport.ts';

const PATH = '/api/v1/things';

function thing(name: string, resourceVersion: string, labels: Record<string, string> = {}): KubeObject {
  return { metadata: { name, uid: `uid-of-${name}`, resourceVersion, creationTimestamp: '', labels } };
}

const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };

describe('a reflector', () => {
  let transport: ScriptedTransport;
  let clock: FakeClock;
  let reflector: Reflector<KubeObject, string>;
  let changes: number;
  let errors: unknown[];
  let ended: boolean;
  let random: number;

  beforeEach(() => {
    transport = new ScriptedTransport();
    clock = new FakeClock();
    changes = 0;
    errors = [];
    ended = false;
    random = 0.5;
    reflector = new Reflector<KubeObject, string>({
      api: new KubeApi(transport, 'tests'),
      path: PATH,
      query: { fieldSelector: 'a=b' },
      project: ({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`,
      onChange: () => {
        changes += 1;
      },
      onError: (error) => errors.push(error),
      clock,
      random: () => random,
    });
    lists('100', thing('a', '90'), thing('b', '95'));
  });
  afterEach(() => reflector.stop());

  function lists(resourceVersion: string, ...items: KubeObject[]) {
    transport.answer = () => ({ body: { metadata: { resourceVersion }, items } });
  }

  /** The list of the beginning once, then another answer. */
  const listedThen = (answer: Answer) => (): Answer =>
    transport.requests.length === 1
      ? { body: { metadata: { resourceVersion: '100' }, items: [thing('a', '90'), thing('b', '95')] } }
      : answer;

  async function run() {
    void reflector.run().then(() => {
      ended = true;
    });
    await settled();
  }

  const kept = () => [...reflector.views().values()].sort();
  const event = (type: string, object: unknown) => transport.last.line({ type, object });
  const listsAsked = () => transport.requests.length;

  it('lists once, then watches from the resourceVersion of the list, with bookmarks and its own selector', async () => {
    expect(reflector.synced).to.equal(false);
    await run();
    expect(reflector.synced).to.equal(true);
    expect(kept()).to.deep.equal(['a@90', 'b@95']);
    expect(changes).to.equal(1);
    expect(transport.requests[0]?.path).to.match(/fieldSelector=a%3Db/);
    expect(Object.fromEntries(transport.last.query)).to.deep.equal({
      fieldSelector: 'a=b',
      resourceVersion: '100',
      timeoutSeconds: '450',
      watch: 'true',
      allowWatchBookmarks: 'true',
    });
    expect(transport.last.idleMs, 'bookmarks come about every minute').to.equal(150_000);
  });

  it('takes in what is added, changed and deleted, and says so each time', async () => {
    await run();
    event('ADDED', thing('c', '101'));
    event('MODIFIED', thing('a', '102'));
    event('DELETED', thing('b', '103'));
    await settled();
    expect(kept()).to.deep.equal(['a@102', 'c@101']);
    expect(reflector.get('c')).to.equal('c@101');
    expect(changes).to.equal(4);
  });

  /** The time of the last watch passes, and the server ends it. */
  async function watchEnds() {
    await clock.advance(450_000);
    transport.last.end();
    await settled();
  }

  it('goes on without a list from where it was when the time of its watch is over, at once', async () => {
    await run();
    event('MODIFIED', thing('a', '110'));
    await settled();
    await watchEnds();
    expect(transport.streams).to.have.length(2);
    expect(transport.last.query.get('resourceVersion')).to.equal('110');
    expect(listsAsked()).to.equal(1);
    expect(clock.slept).to.deep.equal([]);
  });

  it('waits with the others when the server closes the watch before its time, as one that shuts down does', async () => {
    await run();
    event('MODIFIED', thing('a', '110'));
    await clock.advance(400_000);
    transport.last.end();
    await settled();
    expect(transport.streams).to.have.length(1);
    expect(errors.map(String)).to.deep.equal([
      'Error: WATCH /api/v1/things: closed by the server after 400 s of 450 s',
    ]);
    await clock.advance(500);
    expect(transport.streams).to.have.length(2);
    expect(transport.last.query.get('resourceVersion')).to.equal('110');
    expect(listsAsked()).to.equal(1);
  });

  it('goes on from a bookmark, which changes nothing in the store', async () => {
    await run();
    event('BOOKMARK', { metadata: { resourceVersion: '170' } });
    await settled();
    await watchEnds();
    expect(transport.last.query.get('resourceVersion')).to.equal('170');
    expect(kept()).to.deep.equal(['a@90', 'b@95']);
    expect(changes).to.equal(1);
  });

  it('goes on from the last line after the connection was cut, too', async () => {
    await run();
    event('BOOKMARK', { metadata: { resourceVersion: '170' } });
    transport.last.cut();
    await clock.advance(1_000);
    expect(transport.streams).to.have.length(2);
    expect(transport.last.query.get('resourceVersion')).to.equal('170');
    expect(listsAsked()).to.equal(1);
  });

  it('lists anew when the watch is refused with 410', async () => {
    transport.answerStream = () => (transport.streams.length === 1 ? { status: 410, body: expired } : {});
    transport.answer = listedThen({ body: { metadata: { resourceVersion: '300' }, items: [thing('a', '250')] } });
    await run();
    expect(clock.slept, 'at once').to.deep.equal([]);
    expect(listsAsked()).to.equal(2);
    expect(kept(), 'what was deleted meanwhile is gone').to.deep.equal(['a@250']);
    expect(transport.last.query.get('resourceVersion')).to.equal('300');
    expect(errors, 'that is no failure').to.deep.equal([]);
  });

  it('lists anew after an ERROR event that says 410', async () => {
    await run();
    lists('300', thing('b', '200'));
    event('ERROR', expired);
    await settled();
    expect(listsAsked()).to.equal(2);
    expect(kept()).to.deep.equal(['b@200']);
  });

  it('does not list without end where every watch is too old', async () => {
    transport.answerStream = () => ({ status: 410, body: expired });
    await run();
    expect(listsAsked()).to.equal(2);
    await clock.advance(60_000);
    expect(listsAsked()).to.be.within(5, 14);
  });

  it('lists anew when the pages of a list have expired half-way', async () => {
    const page = (number: number) =>
      number === 1
        ? { body: { metadata: { resourceVersion: '7', continue: 'x' }, items: [] } }
        : status(410, 'Expired');
    transport.answer = () => page(listsAsked());
    await run();
    expect(reflector.synced).to.equal(false);
    lists('100', thing('a', '90'));
    await clock.advance(1_000);
    expect(kept()).to.deep.equal(['a@90']);
  });

  it('backs off ever longer, up to a window of 15 s, while nothing answers, and neither ends nor throws', async () => {
    transport.answer = () => new TransportError('connect ECONNREFUSED');
    await run();
    await clock.advance(300_000);
    expect(clock.slept.slice(0, 8)).to.deep.equal([500, 1000, 2000, 4000, 7500, 7500, 7500, 7500]);
    expect(ended).to.equal(false);
    expect(reflector.synced).to.equal(false);
    lists('5', thing('a', '4'));
    await clock.advance(30_000);
    expect(kept(), 'it is there when the server is').to.deep.equal(['a@4']);
  });

  it('spreads its retries over the whole of the time', async () => {
    transport.answer = () => status(500, 'InternalError');
    random = 0.001;
    await run();
    random = 0.999;
    await clock.advance(1);
    expect(clock.slept).to.deep.equal([1, 1998]);
  });

  it('stays away for as long as the server asks, and its own time on top', async () => {
    transport.answer = () => status(429, 'TooManyRequests', 'later', { retryAfterSeconds: 3 });
    await run();
    expect(clock.slept).to.deep.equal([3_500]);
  });

  it('gives a sign of life with every line and every attempt, and none while it is stuck', async () => {
    const age = () => clock.monotonic() - reflector.signAt;
    await run();
    await clock.advance(60_000);
    expect(age()).to.equal(60_000);
    event('BOOKMARK', { metadata: { resourceVersion: '170' } });
    await settled();
    expect(age()).to.equal(0);
    transport.answerStream = () => new TransportError('connect ECONNREFUSED');
    transport.last.cut();
    for (let minute = 0; minute < 20; minute += 1) {
      await clock.advance(60_000);
      expect(age()).to.be.at.most(60_000);
    }
    transport.answerStream = () => ({});
    await clock.advance(60_000);
    await clock.advance(600_000);
    expect(age()).to.be.at.least(600_000);
  });

  const failures: Record<string, () => void> = {
    'a connection that is cut': () => transport.last.cut(),
    'an ERROR event other than 410': () => event('ERROR', { code: 500, message: 'etcd' }),
    'a line that is no JSON': () => transport.last.line('{"type":"ADD'),
  };
  for (const [what, fail] of Object.entries(failures)) {
    it(`says and survives ${what}, without a new list`, async () => {
      await run();
      fail();
      await settled();
      expect(errors).to.have.length(1);
      await clock.advance(1_000);
      expect(transport.streams).to.have.length(2);
      expect(listsAsked()).to.equal(1);
      expect(kept()).to.deep.equal(['a@90', 'b@95']);
    });
  }

  it('survives watches that are refused', async () => {
    transport.answerStream = () => status(503, 'ServiceUnavailable');
    await run();
    await clock.advance(10_000);
    expect(errors.length).to.be.within(3, 6);
    expect(listsAsked()).to.equal(1);
    transport.answerStream = () => ({});
    await clock.advance(30_000);
    event('ADDED', thing('c', '101'));
    await settled();
    expect(kept()).to.deep.equal(['a@90', 'b@95', 'c@101']);
  });

  it('does not ask without a pause when the server closes every watch at once', async () => {
    transport.answerStream = () => {
      transport.last.end();
      return {};
    };
    await run();
    await clock.advance(60_000);
    expect(transport.streams.length).to.be.within(5, 14);
    expect(listsAsked()).to.equal(1);
  });

  it('begins again with short retries after a line has come', async () => {
    await run();
    for (let time = 0; time < 3; time += 1) {
      transport.last.cut();
      await clock.advance(10_000);
    }
    event('BOOKMARK', { metadata: { resourceVersion: '170' } });
    await settled();
    transport.last.cut();
    await settled();
    expect(clock.slept).to.deep.equal([500, 1000, 2000, 500]);
  });

  it('takes in the answer of a write, and ignores older versions of it from the watch', async () => {
    await run();
    reflector.put(thing('a', '120'));
    expect(reflector.get('a')).to.equal('a@120');
    event('MODIFIED', thing('a', '110'));
    await settled();
    expect(reflector.get('a')).to.equal('a@120');
    expect(changes, 'old news are no change').to.equal(1);
    reflector.put(thing('a', '119'));
    expect(reflector.get('a')).to.equal('a@120');
  });

  it('orders versions as numbers', async () => {
    await run();
    reflector.put(thing('a', '1000'));
    reflector.put(thing('a', '999'));
    expect(reflector.get('a')).to.equal('a@1000');
  });

  it('is not made to keep a deleted object by a late answer', async () => {
    await run();
    event('DELETED', thing('a', '130'));
    await settled();
    reflector.put(thing('a', '125'));
    expect(reflector.get('a')).to.equal(undefined);
    reflector.put(thing('a', '140'));
    expect(reflector.get('a'), 'made anew').to.equal('a@140');
  });

  it('nor by a late answer about an object that was gone from a list', async () => {
    await run();
    lists('300');
    event('ERROR', expired);
    await settled();
    reflector.put(thing('a', '250'));
    expect(kept()).to.deep.equal([]);
  });

  it('keeps what was written after the list that does not have it yet', async () => {
    let answer: (items: KubeObject[]) => void = () => undefined;
    transport.answer = () =>
      new Promise((resolve) => {
        answer = (items) => resolve({ body: { metadata: { resourceVersion: '100' }, items } });
      });
    await run();
    reflector.put(thing('new', '105'));
    answer([thing('a', '90')]);
    await settled();
    expect(kept()).to.deep.equal(['a@90', 'new@105']);
  });

  it('does not drop an object that was made anew before its deletion was told', async () => {
    await run();
    reflector.put(thing('a', '140'));
    event('DELETED', thing('a', '130'));
    await settled();
    expect(reflector.get('a')).to.equal('a@140');
  });

  it('tells objects of one name in two namespaces apart', async () => {
    const inOne = thing('a', '1');
    const inOther = thing('a', '2');
    inOne.metadata.namespace = 'one';
    inOther.metadata.namespace = 'other';
    lists('3', inOne, inOther);
    await run();
    expect([...reflector.views().keys()]).to.deep.equal(['one/a', 'other/a']);
  });

  it('ends when it is stopped, and asks nothing any more', async () => {
    await run();
    reflector.stop();
    await settled();
    expect(ended).to.equal(true);
    expect(transport.last.closed).to.equal(true);
    expect(errors, 'that is no failure').to.deep.equal([]);
    await clock.advance(60_000);
    expect([transport.streams.length, listsAsked()]).to.deep.equal([1, 1]);
  });

  it('ends when it is stopped while it waits to try again', async () => {
    transport.answer = () => new TransportError('no route to host');
    await run();
    reflector.stop();
    await settled();
    expect(ended).to.equal(true);
  });
});
