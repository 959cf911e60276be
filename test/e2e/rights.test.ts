import { expect } from 'chai';
import { ApiError } from '../../src/cluster/errors.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import { NODE_REBOOTS, nodeReboot } from '../../src/cluster/paths.ts';
import type { NodeReboot } from '../../src/core/model.ts';
import { HttpsTransport } from '../../src/platform/https.ts';
import { kubeConfigCredentials } from '../../src/platform/kubeConfig.ts';
import { Api } from '../testbed/cluster/api.ts';
import type { Identity } from '../testbed/cluster/identity.ts';
import { agentAccount } from '../testbed/machine/agent.ts';
import { Harbour } from './support/harbour.ts';

/** All under the rights that `manifests/` gives, with tokens as the API server issues them. */
describe('rights', () => {
  let h: Harbour;
  let agent: Identity;
  let controller: Identity;

  before(async () => {
    h = await Harbour.open();
    for (const name of ['n1', 'n2']) await h.addMachine(name, { agent: false });
    const running = await h.startController();
    await h.applyPolicy({ mode: 'Report' });
    for (const name of ['n1', 'n2'])
      await h.until(`the NodeReboot of ${name}`, (entry) => entry.kind === 'NodeReboot' && entry.name === name);
    await running.stop();
    agent = await h.bed.serviceAccount(agentAccount, 'n1');
    controller = await h.bed.serviceAccount({ namespace: 'drydock', name: 'drydock-controller' });
  });

  after(async () => {
    await h.close();
  });

  /** What the API server says against it; empty if it lets it. */
  async function refusal(as: Identity, ...args: string[]): Promise<string> {
    const { code, stderr } = await h.bed.kubectl(args, { as });
    return code === 0 ? '' : stderr;
  }

  async function patchStatus(as: Identity, node: string, status: object): Promise<string> {
    return await patch(as, `nodereboots/${node}/status`, { status });
  }

  /** kubectl would read the object first, for which neither agents nor the controller have the right. */
  async function patch(as: Identity, object: string, body: object): Promise<string> {
    const api = new Api(as);
    try {
      const path = `/apis/drydock.dev/v1alpha1/${object}`;
      const answer = await api.send(path, { method: 'PATCH', contentType: 'application/merge-patch+json', body });
      return answer.status === 200 ? '' : answer.text;
    } finally {
      api.close();
    }
  }

  const report = { agent: { bootID: 'b', rebootRequired: true } };

  describe('of an agent', () => {
    it('let it report on its own node', async () => {
      expect(await patchStatus(agent, 'n1', report)).to.equal('');
    });

    it("do not let it write another node's NodeReboot, and say why", async () => {
      expect(await patchStatus(agent, 'n2', report)).to.contain('the token is bound to node n1, not to n2');
    });

    it('do not let it write anything but status.agent', async () => {
      const lies = [
        { phase: 'Idle' },
        { history: [] },
        { backoff: { failures: 0, until: '2026-01-01T00:00:00Z' } },
        { ...report, verdict: { code: 'NotRequired', message: 'lie' } },
      ];
      for (const lie of lies)
        expect(await patchStatus(agent, 'n1', lie), JSON.stringify(lie)).to.contain(
          'an agent writes only status.agent',
        );
    });

    it('do not let it write for a node of the same name that is no more', async () => {
      const spec = JSON.stringify({
        apiVersion: 'drydock.dev/v1alpha1',
        kind: 'NodeReboot',
        metadata: { name: 'n3' },
        spec: { nodeUID: 'uid-of-before' },
      });
      await h.bed.createNode('n3');
      await h.bed.apply(spec);
      const third = await h.bed.serviceAccount(agentAccount, 'n3');
      expect(await patchStatus(third, 'n3', report)).to.contain('belongs to another node of the same name');
    });

    it('do not let a token that is bound to no node write any', async () => {
      const unbound = await h.bed.serviceAccount(agentAccount);
      expect(await patchStatus(unbound, 'n1', report)).to.contain('the token is bound to no node');
    });

    const forbidden: readonly (readonly string[])[] = [
      ['get', 'nodes'],
      ['get', 'pods', '-A'],
      ['get', 'rbp'],
      ['get', 'leases', '-n', 'drydock'],
      ['get', 'secrets', '-A'],
      ['cordon', 'n1'],
      ['delete', 'nrb', 'n1'],
      ['annotate', 'nrb', 'n1', 'drydock.dev/pause='],
      ['patch', 'nrb', 'n1', '--type=merge', '-p', '{"spec":{"prepare":{"attemptID":"x"}}}'],
    ];
    for (const args of forbidden) {
      it(`do not let it ${args.slice(0, 3).join(' ')}${args.length > 3 ? ' …' : ''}`, async () => {
        expect(await refusal(agent, ...args)).to.contain('orbidden');
      });
    }
  });

  describe('of the controller', () => {
    it('are used for exactly the object that was meant: another one of its name is not deleted', async () => {
      const api = new KubeApi(new HttpsTransport(kubeConfigCredentials(controller.config())), 'test');
      const found = h.nodeReboot('n2');
      if (found === undefined) throw new Error('there is no NodeReboot n2');
      const another = { uid: 'uid-of-before', resourceVersion: found.metadata.resourceVersion };
      const refused = await api.remove(nodeReboot('n2'), another).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(ApiError).with.property('status', 409);
      const { items } = await api.list<NodeReboot>(NODE_REBOOTS);
      expect(items.map(({ metadata }) => metadata.name)).to.include('n2');
    });

    it('do not let it write what only the agent of the node may say', async () => {
      expect(await patchStatus(controller, 'n2', { agent: { bootID: 'forged' } })).to.contain(
        "only the node's own agent does",
      );
    });

    it('let it read a Secret of its own namespace by name, to show Prometheus who it is', async () => {
      await h.kubectl('create', 'secret', 'generic', 'access', '-n', 'drydock', '--from-literal=token=abc');
      expect(await refusal(controller, 'get', 'secret', 'access', '-n', 'drydock')).to.equal('');
    });

    it('let it guard and halt a policy, and change nothing else of it', async () => {
      const policy = 'rebootpolicies/workers';
      const own = { finalizers: ['drydock.dev/in-flight'], annotations: { 'drydock.dev/halted': 'a' } };
      expect(await patch(controller, policy, { metadata: own })).to.equal('');
      const undone = { finalizers: null, annotations: { 'drydock.dev/halted': null } };
      expect(await patch(controller, policy, { metadata: undone })).to.equal('');
      const refused: readonly [object, string][] = [
        [{ spec: { mode: 'Enforce' } }, 'may not change what one says'],
        [{ metadata: { annotations: { 'drydock.dev/pause': 'x' } } }, 'only its own annotations'],
        [{ metadata: { finalizers: ['example.com/other'] } }, 'only its own finalizer'],
        [{ metadata: { labels: { a: 'b' } } }, 'does not change the labels'],
      ];
      for (const [body, why] of refused) expect(await patch(controller, policy, body)).to.contain(why);
    });

    const forbidden: readonly (readonly string[])[] = [
      ['get', 'secrets', '-n', 'drydock'],
      ['get', 'secret', 'access', '-n', 'default'],
      ['delete', 'secret', 'access', '-n', 'drydock'],
      ['delete', 'pod', 'some'],
      ['delete', 'node', 'n1'],
      ['get', 'secrets', '-A'],
      ['get', 'namespace', 'kube-system'],
      ['get', 'leases', '-n', 'kube-system'],
      ['delete', 'lease', 'drydock-lock', '-n', 'drydock'],
      ['patch', 'rbp', 'workers', '--type=merge', '-p', '{"spec":{"mode":"Enforce"}}'],
      ['create', 'namespace', 'another'],
    ];
    for (const args of forbidden) {
      it(`do not let it ${args.join(' ')}`, async () => {
        expect(await refusal(controller, ...args)).to.contain('orbidden');
      });
    }
  });

  describe('of a person on call, who may patch NodeReboots and RebootPolicies', () => {
    let person: Identity;
    before(async () => {
      await h.kubectl('create', 'serviceaccount', 'on-call', '-n', 'default');
      const verbs = ['--verb=get,list,patch', '--resource=nodereboots.drydock.dev,rebootpolicies.drydock.dev'];
      await h.kubectl('create', 'clusterrole', 'on-call', ...verbs);
      const binding = ['--clusterrole=on-call', '--serviceaccount=default:on-call'];
      await h.kubectl('create', 'clusterrolebinding', 'on-call', ...binding);
      person = await h.bed.serviceAccount({ namespace: 'default', name: 'on-call' });
    });

    it('let them say what they want', async () => {
      expect(await refusal(person, 'annotate', 'nodereboot', 'n2', 'drydock.dev/hold=disk')).to.equal('');
      expect(await refusal(person, 'annotate', 'nodereboot', 'n2', 'drydock.dev/hold-')).to.equal('');
      expect(await refusal(person, 'annotate', 'rebootpolicy', 'workers', 'drydock.dev/pause=x')).to.equal('');
      expect(await refusal(person, 'annotate', 'rebootpolicy', 'workers', 'drydock.dev/pause-')).to.equal('');
    });

    it("do not let them have a node rebooted past the controller's decisions", async () => {
      const attempt = { attemptID: 'forged', fromBootID: 'b', nodeRebootUID: 'u', delaySeconds: 0, timeoutSeconds: 60 };
      const reboot = { ...attempt, baseline: {} };
      const refused = await patch(person, 'nodereboots/n2', { spec: { reboot } });
      expect(refused).to.contain('only the controller makes NodeReboots and writes their spec');
      const grant = { kind: 'RebootNow', bootID: 'b', at: '2026-11-02T12:00:00Z' };
      expect(await patch(person, 'nodereboots/n2', { spec: { grant } })).to.contain('only the controller');
    });

    it('do not let them change what a policy says', async () => {
      const refused = await patch(person, 'rebootpolicies/workers', { spec: { mode: 'Enforce' } });
      expect(refused).to.contain('who may not create RebootPolicies may not change what one says');
    });
  });
});
