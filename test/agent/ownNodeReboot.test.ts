import { expect } from 'chai';
import { WatchedNodeReboot } from '../../src/agent/ownNodeReboot.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import { FakeClock, settled } from '../support/clock.ts';
import { aNodeReboot } from '../support/cluster.ts';
import { bodyOf, ScriptedTransport } from '../support/transport.ts';

describe("the agent's own NodeReboot", () => {
  const watched = (transport: ScriptedTransport) =>
    new WatchedNodeReboot({
      api: new KubeApi(transport, 'drydock-agent'),
      name: 'n1',
      clock: new FakeClock(),
      random: () => 0.5,
      onChange: () => undefined,
      onError: () => undefined,
    });

  it('is the only one that is listed and watched, and its status.agent the only thing that is written', async () => {
    const transport = new ScriptedTransport();
    const nodeReboot = aNodeReboot('n1');
    transport.answer = () => ({ body: { metadata: { resourceVersion: '30' }, items: [nodeReboot] } });
    const own = watched(transport);
    expect([own.synced, own.current()]).to.deep.equal([false, undefined]);
    const running = own.run();
    await settled();
    expect(own.synced).to.equal(true);
    expect(own.current()).to.deep.equal(nodeReboot);
    expect(transport.requests[0]?.path).to.contain('nodereboots?fieldSelector=metadata.name%3Dn1');
    expect(transport.last.query.get('fieldSelector')).to.equal('metadata.name=n1');

    const answer = { ...nodeReboot, metadata: { ...nodeReboot.metadata, resourceVersion: '31' } };
    transport.answer = () => ({ body: answer });
    await own.patchAgent(nodeReboot, { orders: 1 });
    const [, sent] = transport.requests;
    expect(sent?.path).to.equal('/apis/drydock.dev/v1alpha1/nodereboots/n1/status?fieldManager=drydock-agent');
    expect(sent && bodyOf(sent)).to.deep.equal({
      metadata: { resourceVersion: '20' },
      status: { agent: { orders: 1 } },
    });
    expect(own.current()?.metadata.resourceVersion, 'the answer is known at once').to.equal('31');

    transport.answer = () => ({ body: { ...answer, metadata: { ...answer.metadata, resourceVersion: '32' } } });
    await own.refresh();
    expect(own.current()?.metadata.resourceVersion).to.equal('32');
    own.stop();
    await running;
  });
});
