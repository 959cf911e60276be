import { expect } from 'chai';
import type { KubeObject } from '../../src/api/objects.ts';
import { ClusterEffects, type Written } from '../../src/cluster/effects.ts';
import { EventRecorder } from '../../src/cluster/events.ts';
import { KubeApi } from '../../src/cluster/kubeApi.ts';
import type { HistoryEntry, ObjectStep, RebootRequest } from '../../src/core/steps.ts';
import type { NodeRebootView } from '../../src/core/views/nodeRebootView.ts';
import { closingView } from '../../src/core/views/nodeRebootView.ts';
import { FakeClock } from '../support/clock.ts';
import { aNode, aNodeReboot, anAttempt, aPolicy, aSlot, cordonedFor } from '../support/cluster.ts';
import { bodyOf, ScriptedTransport, sentSpec, status } from '../support/transport.ts';

const NODE = '/api/v1/nodes/n1';
const NODE_REBOOT = '/apis/drydock.dev/v1alpha1/nodereboots/n1';
const LOCKS = '/apis/coordination.k8s.io/v1/namespaces/drydock/leases';

const entry = (attemptID: string): HistoryEntry => ({
  attemptID,
  outcome: 'Rebooted',
  code: 'Rebooted',
  message: 'done',
  startedAt: '',
  endedAt: '2026-11-02T12:00:00.000Z',
});
const node = aNode('n1', cordonedFor('a1'));
const nodeReboot = aNodeReboot('n1');

describe('the effects', () => {
  let transport: ScriptedTransport;
  let effects: ClusterEffects;
  let taken: [keyof Written, KubeObject][];
  beforeEach(() => {
    transport = new ScriptedTransport();
    transport.answer = (request) => ({ body: { ...sentSpec(request), metadata: { name: 'answered' } } });
    taken = [];
    const take = (what: keyof Written) => (object: KubeObject) => void taken.push([what, object]);
    const written = {
      lock: take('lock'),
      node: take('node'),
      nodeReboot: take('nodeReboot'),
      policy: take('policy'),
    };
    const api = new KubeApi(transport, 'drydock-controller');
    const events = new EventRecorder(api, 'replica-1', new FakeClock(), () => 0.5);
    effects = new ClusterEffects(api, 'drydock', written, events);
  });

  function only() {
    expect(transport.requests).to.have.length(1);
    const [request] = transport.requests;
    if (request === undefined) throw new Error('nothing was sent');
    return { what: `${request.method} ${request.path}`, body: bodyOf(request), request };
  }

  type Performed = ObjectStep;
  const attempt = anAttempt('n1');
  const request: RebootRequest = {
    attemptID: 'a1',
    fromBootID: 'b',
    nodeRebootUID: 'u',
    delaySeconds: 0,
    timeoutSeconds: 1,
    baseline: {},
  };
  const onNode = { path: `PATCH ${NODE}?fieldManager=drydock-controller`, resourceVersion: '10', takes: 'node' };
  const onSpec = {
    path: `PATCH ${NODE_REBOOT}?fieldManager=drydock-controller`,
    resourceVersion: '20',
    takes: 'nodeReboot',
  };
  const onStatus = {
    path: `PATCH ${NODE_REBOOT}/status?fieldManager=drydock-controller`,
    resourceVersion: '20',
    takes: 'nodeReboot',
  };
  const patches: [string, Performed, typeof onNode, { metadata?: object; spec?: object; status?: object }][] = [
    [
      'cordons with marks that name the attempt and the leadership',
      { kind: 'cordon', node, attemptID: 'a1', epoch: 7 },
      onNode,
      {
        metadata: {
          annotations: { 'drydock.dev/cordon': 'a1', 'drydock.dev/epoch': '7' },
          labels: { 'drydock.dev/cordoned': '' },
        },
        spec: { unschedulable: true },
      },
    ],
    [
      'takes marks and cordon off together where the cordon is ours',
      { kind: 'restoreNode', node, uncordon: true, attemptID: 'a1' },
      onNode,
      {
        metadata: {
          annotations: { 'drydock.dev/cordon': null, 'drydock.dev/epoch': null },
          labels: { 'drydock.dev/cordoned': null },
        },
        spec: { unschedulable: null },
      },
    ],
    [
      'takes only the marks off where the cordon is not ours',
      { kind: 'restoreNode', node, uncordon: false, attemptID: 'a1' },
      onNode,
      {
        metadata: {
          annotations: { 'drydock.dev/cordon': null, 'drydock.dev/epoch': null },
          labels: { 'drydock.dev/cordoned': null },
        },
      },
    ],
    [
      'writes its epoch to a node in flight, and nothing else',
      { kind: 'adoptNode', node, epoch: 9 },
      onNode,
      { metadata: { annotations: { 'drydock.dev/epoch': '9' } } },
    ],
    [
      'writes its epoch to an attempt in flight, and nothing else',
      { kind: 'adoptAttempt', nodeReboot, attempt, epoch: 9 },
      onSpec,
      { spec: { attempt: { epoch: 9 } } },
    ],
    [
      'begins an attempt and asks its agent in one write',
      { kind: 'beginAttempt', nodeReboot, attempt },
      onSpec,
      { spec: { attempt: JSON.parse(JSON.stringify(attempt)), prepare: { attemptID: attempt.id } } },
    ],
    ['requests a reboot', { kind: 'request', nodeReboot, request }, onSpec, { spec: { reboot: request } }],
    [
      'withdraws what was asked as it gives an attempt up, and says why',
      { kind: 'endAttempt', nodeReboot, attempt, code: 'Paused', message: 'm'.repeat(3_000) },
      onSpec,
      { spec: { attempt: { ending: { code: 'Paused', message: 'm'.repeat(1_024) } }, prepare: null, reboot: null } },
    ],
    [
      'clears all that an attempt has written',
      { kind: 'clearAttempt', nodeReboot, attemptID: 'a1' },
      onSpec,
      { spec: { attempt: null, prepare: null, reboot: null } },
    ],
    [
      'writes history with a new backoff',
      {
        kind: 'recordHistory',
        nodeReboot,
        entry: { ...entry('a1'), outcome: 'Interrupted' },
        backoff: { failures: 1, until: '2026-11-02T12:01:00Z', code: 'x' },
      },
      onStatus,
      {
        status: {
          history: [{ ...entry('a1'), outcome: 'Interrupted' }],
          backoff: { failures: 1, until: '2026-11-02T12:01:00Z', code: 'x' },
        },
      },
    ],
    [
      'takes a backoff away after a success, and says in the same write what people read then',
      { kind: 'recordHistory', nodeReboot, entry: entry('a1'), backoff: null },
      onStatus,
      { status: { history: [entry('a1')], backoff: null, ...closingView(nodeReboot, entry('a1')) } },
    ],
  ];
  for (const [what, step, { path, resourceVersion, takes }, patch] of patches) {
    it(`${what}, only if nothing has changed since`, async () => {
      await effects.perform(step);
      const sent = only();
      expect(sent.what).to.equal(path);
      expect(sent.request.headers).to.include({ 'content-type': 'application/merge-patch+json' });
      expect(sent.body).to.deep.equal({ ...patch, metadata: { ...patch.metadata, resourceVersion } });
      expect(
        taken.map(([what, { metadata }]) => [what, metadata.name]),
        'the answer is known at once',
      ).to.deep.equal([[takes, 'answered']]);
    });
  }

  it('keeps the ten latest attempts in history, the newest first', async () => {
    const history = Array.from({ length: 10 }, (_, index) => entry(`old-${index}`));
    await effects.perform({
      kind: 'recordHistory',
      nodeReboot: aNodeReboot('n1', {}, { history }),
      entry: entry('new'),
      backoff: null,
    });
    const { status: written } = only().body as { status: { history: HistoryEntry[] } };
    expect(written.history.map(({ attemptID }) => attemptID)).to.deep.equal([
      'new',
      ...history.slice(0, 9).map(({ attemptID }) => attemptID),
    ]);
  });

  it('says so when the API server has dropped what was written, as one with an older definition does', async () => {
    transport.answer = () => ({ body: { metadata: { name: 'answered' }, spec: { attempt: { id: 'a1' } } } });
    const step = { kind: 'failAttempt', nodeReboot, attempt, code: 'RebootTimedOut', message: 'm', now: 0 } as const;
    const refused = await effects.perform(step).catch((error: Error) => error.message);
    expect(refused).to.contain('the API server has dropped spec.attempt.failure: apply the resource definitions');
  });

  it('makes a NodeReboot that belongs to its Node and goes with it', async () => {
    await effects.perform({ kind: 'createNodeReboot', node });
    const { what, body } = only();
    expect(what).to.equal('POST /apis/drydock.dev/v1alpha1/nodereboots?fieldManager=drydock-controller');
    expect(body).to.deep.equal({
      apiVersion: 'drydock.dev/v1alpha1',
      kind: 'NodeReboot',
      metadata: {
        name: 'n1',
        ownerReferences: [
          {
            apiVersion: 'v1',
            kind: 'Node',
            name: 'n1',
            uid: 'uid-of-n1',
            controller: false,
            blockOwnerDeletion: false,
          },
        ],
      },
      spec: { nodeUID: 'uid-of-n1' },
    });
    expect(taken.map(([what]) => what)).to.deep.equal(['nodeReboot']);
  });

  it('deletes exactly the NodeReboot that was decided on, and is content if it is gone', async () => {
    await effects.perform({ kind: 'deleteNodeReboot', nodeReboot, why: 'x' });
    const { what, body } = only();
    expect(what).to.equal(`DELETE ${NODE_REBOOT}`);
    expect(body).to.deep.include({ preconditions: { uid: 'nrb-of-n1', resourceVersion: '20' } });
    transport.answer = () => status(404, 'NotFound');
    await effects.perform({ kind: 'deleteNodeReboot', nodeReboot, why: 'x' });
  });

  it('does not swallow a refusal', async () => {
    transport.answer = () => status(409, 'Conflict');
    for (const step of [
      { kind: 'deleteNodeReboot', nodeReboot, why: 'x' },
      { kind: 'cordon', node, attemptID: 'a1', epoch: 7 },
      { kind: 'clearAttempt', nodeReboot, attemptID: 'a1' },
    ] as const) {
      const error = await effects.perform(step).catch((thrown: unknown) => thrown);
      expect(error, step.kind).to.include({ status: 409 });
    }
    expect(taken).to.deep.equal([]);
  });

  const annotations = {
    'drydock.dev/format': '1',
    'drydock.dev/epoch': '4',
    'drydock.dev/slots': JSON.stringify([aSlot('n1')]),
  };

  it('writes the lock by compare-and-swap, and leaves its holder to people', async () => {
    await effects.writeLock({ epoch: 4, slots: [aSlot('n1')], resourceVersion: '50' });
    const { what, body } = only();
    expect(what).to.equal(`PATCH ${LOCKS}/drydock-lock?fieldManager=drydock-controller`);
    expect(body).to.deep.equal({ metadata: { resourceVersion: '50', annotations } });
    expect(taken.map(([what]) => what)).to.deep.equal(['lock']);
  });

  it('makes the lock where there is none, which fails if there is one', async () => {
    await effects.writeLock({ epoch: 4, slots: [aSlot('n1')], resourceVersion: null });
    const { what, body } = only();
    expect(what).to.equal(`POST ${LOCKS}?fieldManager=drydock-controller`);
    expect(body).to.deep.equal({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'drydock-lock', annotations },
      spec: {},
    });
  });

  it('writes statuses by compare-and-swap, with what is to go as null', async () => {
    const view: NodeRebootView = {
      phase: 'Idle',
      verdict: { code: 'a', message: 'b', nextCheck: null, blockers: null },
      conditions: [],
      drain: null,
    };
    await effects.writeNodeRebootStatus(nodeReboot, view);
    const { what, body } = only();
    expect(what).to.equal(onStatus.path);
    expect(body).to.deep.equal({ metadata: { resourceVersion: '20' }, status: view });
    const policyView = {
      observedGeneration: 1,
      conditions: [],
      nodes: { selected: 0, pending: 0, inFlight: 0, failed: 0, unavailable: 0 },
      inFlight: [],
      blockers: [],
      nextWindow: null,
    };
    await effects.writePolicyStatus(aPolicy(), policyView);
    expect(transport.requests[1]).to.include({
      method: 'PATCH',
      path: '/apis/drydock.dev/v1alpha1/rebootpolicies/workers/status?fieldManager=drydock-controller',
    });
    expect(taken.map(([what]) => what)).to.deep.equal(['nodeReboot', 'policy']);
  });

  it('writes Events that Kubernetes takes: about the Node, bounded, in the namespace of cluster-scoped objects', async () => {
    await effects.announce({
      type: 'Warning',
      reason: 'RebootFailed',
      message: 'm'.repeat(3_000),
      about: { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'uid-of-n1' },
    });
    const { what, body } = only();
    expect(what).to.equal('POST /apis/events.k8s.io/v1/namespaces/default/events?fieldManager=drydock-controller');
    expect(body).to.deep.include({
      kind: 'Event',
      eventTime: '2026-11-02T12:00:00.000000Z',
      reportingController: 'drydock-controller',
      reportingInstance: 'replica-1',
      action: 'RebootFailed',
      reason: 'RebootFailed',
      type: 'Warning',
      note: 'm'.repeat(1_024),
      regarding: { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'uid-of-n1' },
    });
    expect(body)
      .to.have.nested.property('metadata.name')
      .that.matches(/^n1\.[0-9a-f]+$/);
  });
});
