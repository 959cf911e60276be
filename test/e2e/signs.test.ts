import { expect } from 'chai';
import { harbourForEach } from './support/harbour.ts';

interface Event {
  reason: string;
  type: string;
  regarding: { kind: string; name: string };
}

describe('what Drydock says of what it does', () => {
  const harbour = harbourForEach();

  it('is told by events on the Node, metrics, log lines with the attempt, and kubectl', async () => {
    const h = harbour();
    const { machine, controller } = await h.begin();
    await h.untilPhase('n1', 'Idle');
    await h.reboot(machine, ['linux-image-6.8.0']);
    const attemptID = h.nodeReboot('n1')?.status?.history?.[0]?.attemptID;

    const { items } = JSON.parse(await h.kubectl('get', 'events.events.k8s.io', '-n', 'default', '-o', 'json')) as {
      items: Event[];
    };
    const ours = items.filter(({ reason }) => reason.startsWith('Reboot'));
    expect(ours.map(({ reason }) => reason).sort()).to.deep.equal([
      'RebootAttemptStarted',
      'RebootRequested',
      'Rebooted',
    ]);
    expect(ours.every(({ regarding }) => regarding.kind === 'Node' && regarding.name === 'n1')).to.equal(true);
    expect(await h.kubectl('describe', 'node', 'n1'))
      .to.contain('the agent is asked to reboot it')
      .and.contain('because of linux-image-6.8.0');

    expect(await controller.metric('drydock_attempts_total', { policy: 'workers', outcome: 'Rebooted' })).to.equal(1);
    expect(await controller.metric('drydock_leader')).to.equal(1);
    expect(await controller.metric('drydock_reboot_duration_seconds_count', { policy: 'workers' })).to.equal(1);
    expect(await controller.metric('drydock_nodes', { policy: 'workers', phase: 'Idle' })).to.equal(1);
    expect(await controller.metric('drydock_reboot_required', { node: 'n1' })).to.equal(0);
    expect((await controller.healthz()).status).to.equal(200);
    expect((await controller.readyz()).status).to.equal(200);

    const steps = controller.log(({ fields }) => fields.attemptID === attemptID).map(({ fields }) => fields.message);
    expect(steps).to.deep.equal(['beginAttempt', 'cordon', 'request', 'restoreNode', 'recordHistory', 'clearAttempt']);

    expect(await h.kubectl('get', 'rbp')).to.match(
      /NAME\s+MODE\s+NODES\s+PENDING\s+IN FLIGHT\s+FAILED\s+READY\s+REASON\s+BLOCKED/,
    );
    expect(await h.kubectl('explain', 'rbp.spec.drain.timeout')).to.contain('How long the drain of one node may take');
  });

  it('writes nothing while nothing changes, neither the controller nor the agent', async () => {
    const h = harbour();
    const freezes = [{ from: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z', reason: 'quiet' }];
    const { machine } = await h.begin({ policy: { schedule: { freezes } } });
    machine.requireReboot();
    await h.untilVerdict('n1', 'Frozen');
    await new Promise((resolve) => setTimeout(resolve, 3_000));

    const since = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    const asked = h.bed.audit
      .requests({ since })
      .filter(({ user }) => user.startsWith('system:serviceaccount:drydock'));
    const rest = asked.filter(({ resource, name }) => !(resource === 'leases' && name === 'drydock-leader'));
    expect(rest.map(({ verb, resource, name }) => `${verb} ${resource}/${name}`)).to.deep.equal([]);
  });
});
