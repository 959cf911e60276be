import { expect } from 'chai';
import { POLICY_FINALIZER } from '../../src/api/names.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { ClusterEffects } from '../../src/cluster/effects.ts';
import { EventRecorder } from '../../src/cluster/events.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import type { ObjectStep } from '../../src/core/steps.ts';
import { annotated } from '../support/attempt.ts';
import { FakeClock } from '../support/clock.ts';
import { aNode, aNodeReboot, anAttempt, aPolicy, cordonedFor, NOON } from '../support/cluster.ts';
import { bodyOf, ScriptedTransport, sentSpec, status } from '../support/transport.ts';

const ID = 'attempt-of-n1';
const nodeReboot = aNodeReboot('n1');
const attempt = anAttempt('n1');
const policy = { ...aPolicy(), metadata: { ...aPolicy().metadata, finalizers: ['other'] } };
const guarded = { ...policy, metadata: { ...policy.metadata, finalizers: ['other', POLICY_FINALIZER] } };
const spentIn = (boot: string) =>
  aNode('n1', { annotations: { ...cordonedFor(ID).annotations, 'drydock.dev/released-boot': boot } });
const AT = '2026-11-02T12:00:00.000Z';

describe('the effects of what people say and of what fails', () => {
  let transport: ScriptedTransport;
  let effects: ClusterEffects;
  let taken: string[];
  beforeEach(() => {
    transport = new ScriptedTransport();
    transport.answer = (request) => ({ body: { ...sentSpec(request), metadata: { name: 'answered' } } });
    taken = [];
    const take = (what: string) => (_object: KubeObject) => void taken.push(what);
    const written = { lock: take('lock'), node: take('node'), nodeReboot: take('nodeReboot'), policy: take('policy') };
    const api = new KubeApi(transport, 'drydock-controller');
    effects = new ClusterEffects(api, 'drydock', written, new EventRecorder(api, 'me', new FakeClock(), () => 0.5));
  });

  const PATHS = {
    node: ['/api/v1/nodes/n1', '10'],
    nodeReboot: ['/apis/drydock.dev/v1alpha1/nodereboots/n1', '20'],
    policy: ['/apis/drydock.dev/v1alpha1/rebootpolicies/workers', '30'],
  } as const;
  const grant = { kind: 'Approve' as const, bootID: 'b', at: AT };
  const cases: [string, ObjectStep, keyof typeof PATHS, { metadata?: object; spec?: object }][] = [
    [
      'takes both annotations off and writes the grant',
      { kind: 'grant', nodeReboot, grant, reason: 'x' },
      'nodeReboot',
      {
        metadata: { annotations: { 'drydock.dev/approve': null, 'drydock.dev/reboot-now': null } },
        spec: { grant },
      },
    ],
    ['drops a grant', { kind: 'dropGrant', nodeReboot }, 'nodeReboot', { spec: { grant: null } }],
    [
      'takes off a release that was in vain',
      { kind: 'dropRelease', nodeReboot },
      'nodeReboot',
      { metadata: { annotations: { 'drydock.dev/release': null } }, spec: {} },
    ],
    [
      'writes down what a deadline led to',
      { kind: 'escalate', nodeReboot, attempt, escalation: 'Delete', pods: ['default/p'], now: NOON },
      'nodeReboot',
      { spec: { attempt: { escalation: { kind: 'Delete', at: AT } } } },
    ],
    [
      'writes down that an attempt has failed, in as many words as there is room for',
      { kind: 'failAttempt', nodeReboot, attempt, code: 'NotVerified', message: 'm'.repeat(2_000), now: NOON },
      'nodeReboot',
      { spec: { attempt: { failure: { code: 'NotVerified', message: 'm'.repeat(1_024), at: AT } } } },
    ],
    [
      'takes the release off as it marks the attempt, so that it releases no later one',
      {
        kind: 'endAttempt',
        nodeReboot: annotated(nodeReboot, { 'drydock.dev/release': ID }),
        attempt,
        code: 'Released',
        message: 'm',
      },
      'nodeReboot',
      {
        metadata: { annotations: { 'drydock.dev/release': null } },
        spec: { attempt: { ending: { code: 'Released', message: 'm' } }, prepare: null, reboot: null },
      },
    ],
    [
      'leaves a released node cordoned, without our marks, with the boot that may end late',
      { kind: 'releaseNode', node: aNode('n1', cordonedFor(ID)), attemptID: ID, boot: 'boot-1' },
      'node',
      {
        metadata: {
          annotations: {
            'drydock.dev/cordon': null,
            'drydock.dev/epoch': null,
            'drydock.dev/released-boot': 'boot-1',
          },
          labels: { 'drydock.dev/cordoned': null },
        },
      },
    ],
    [
      'forgets the boot of an earlier release as it puts a node back',
      { kind: 'restoreNode', node: spentIn('boot-0-of-n1'), uncordon: true, attemptID: ID },
      'node',
      {
        metadata: {
          annotations: { 'drydock.dev/cordon': null, 'drydock.dev/epoch': null, 'drydock.dev/released-boot': null },
          labels: { 'drydock.dev/cordoned': null },
        },
        spec: { unschedulable: null },
      },
    ],
    [
      'does not forget the boot that the node is still in: its reboot may come late',
      { kind: 'restoreNode', node: spentIn('boot-1-of-n1'), uncordon: false, attemptID: ID },
      'node',
      {
        metadata: {
          annotations: { 'drydock.dev/cordon': null, 'drydock.dev/epoch': null },
          labels: { 'drydock.dev/cordoned': null },
        },
      },
    ],
    [
      'guards a policy beside the finalizers of others',
      { kind: 'guardPolicy', policy, guarded: true },
      'policy',
      { metadata: { finalizers: ['other', POLICY_FINALIZER] } },
    ],
    [
      'lets a policy go, and leaves the finalizers of others',
      { kind: 'guardPolicy', policy: guarded, guarded: false },
      'policy',
      { metadata: { finalizers: ['other'] } },
    ],
    [
      'halts a policy, with the attempts that failed',
      { kind: 'haltPolicy', policy, attempts: ['a', 'b'], message: 'm' },
      'policy',
      { metadata: { annotations: { 'drydock.dev/halted': 'a,b' } } },
    ],
    [
      'has a policy go on, and writes what the person knew of',
      { kind: 'resumePolicy', policy, acknowledged: ['a', 'b'], reason: 'x' },
      'policy',
      {
        metadata: {
          annotations: { 'drydock.dev/resume': null, 'drydock.dev/halted': null, 'drydock.dev/acknowledged': 'a,b' },
        },
      },
    ],
    [
      'has a policy go on where nothing has failed',
      { kind: 'resumePolicy', policy, acknowledged: [], reason: '' },
      'policy',
      {
        metadata: {
          annotations: { 'drydock.dev/resume': null, 'drydock.dev/halted': null, 'drydock.dev/acknowledged': null },
        },
      },
    ],
  ];
  for (const [what, step, object, patch] of cases) {
    it(`${what}: one patch, only if nothing has changed since`, async () => {
      await effects.perform(step);
      const [path, resourceVersion] = PATHS[object];
      expect(transport.requests.map(({ method, path: sent }) => `${method} ${sent}`)).to.deep.equal([
        `PATCH ${path}?fieldManager=drydock-controller`,
      ]);
      const [request] = transport.requests;
      expect(request && bodyOf(request)).to.deep.equal({ ...patch, metadata: { ...patch.metadata, resourceVersion } });
      expect(taken, 'the answer is known at once').to.deep.equal([object]);
    });

    it(`${what}, and does not swallow that somebody else was first`, async () => {
      transport.answer = () => status(409, 'Conflict');
      const error = await effects.perform(step).catch((thrown: unknown) => thrown);
      expect([error, taken]).to.have.deep.nested.property('[0].status', 409);
      expect(taken).to.deep.equal([]);
    });
  }
});
