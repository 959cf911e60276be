import { expect } from 'chai';
import type { KubeObject } from '../../src/api/objects.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import { Reflector } from '../../src/cluster/reflector.ts';
import { FakeClock, settled } from '../support/clock.ts';
import { ScriptedTransport } from '../support/transport.ts';

describe('a reflector of which only some changes matter', () => {
  const thing = (name: string, resourceVersion: string, kind = 'x'): KubeObject => ({
    metadata: { name, uid: 'u', resourceVersion, creationTimestamp: '', labels: { kind } },
  });
  let transport: ScriptedTransport;
  let reflector: Reflector<KubeObject, { kind: string; resourceVersion: string }>;
  let changes: number;
  beforeEach(async () => {
    transport = new ScriptedTransport();
    transport.answer = () => ({ body: { metadata: { resourceVersion: '10' }, items: [thing('a', '5')] } });
    changes = 0;
    reflector = new Reflector({
      api: new KubeApi(transport, 'tests'),
      path: '/things',
      project: ({ metadata }: KubeObject) => ({
        kind: metadata.labels?.kind ?? '',
        resourceVersion: metadata.resourceVersion,
      }),
      equal: (one, other) => one.kind === other.kind,
      onChange: () => {
        changes += 1;
      },
      onError: () => undefined,
      clock: new FakeClock(),
      random: () => 0.5,
    });
    void reflector.run();
    await settled();
    changes = 0;
  });
  afterEach(() => reflector.stop());
  const event = async (type: string, object: KubeObject) => {
    transport.last.line({ type, object });
    await settled();
    return changes;
  };

  it('tells nobody of a change that is none to them, and has the newest all the same', async () => {
    expect(await event('MODIFIED', thing('a', '11'))).to.equal(0);
    expect(reflector.get('a')?.resourceVersion).to.equal('11');
  });

  it('tells of changes that matter, of what is new and of what is gone', async () => {
    expect(await event('MODIFIED', thing('a', '11', 'y'))).to.equal(1);
    expect(await event('ADDED', thing('b', '12'))).to.equal(2);
    expect(await event('DELETED', thing('a', '13', 'y'))).to.equal(3);
    expect([...reflector.views().keys()]).to.deep.equal(['b']);
  });
});
