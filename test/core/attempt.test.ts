import { expect } from 'chai';
import {
  aNode,
  aNodeReboot,
  anAgent,
  anAttempt,
  aPod,
  aPolicy,
  aSlot,
  cordonedFor,
  decideOn,
  type Given,
  required,
  writesOf,
} from '../support/cluster.ts';

const SPARE = aNode('spare', { labels: {} });
const ID = 'attempt-of-n1';

/** An attempt whose agent is prepared, on a node that is cordoned and empty. */
function drained(changes: Given = {}): Given {
  return {
    nodes: [aNode('n1', cordonedFor(ID)), SPARE],
    nodeReboots: [
      aNodeReboot(
        'n1',
        { attempt: anAttempt('n1'), prepare: { attemptID: ID } },
        { agent: { ...required(), prepared: { attemptID: ID, able: true } } },
      ),
    ],
    slots: [aSlot('n1')],
    answers: everythingRead(),
    ...changes,
  };
}

function everythingRead() {
  return {
    gates: new Map([[ID, null]]),
    pods: new Map([['n1', []]]),
    podsFresh: new Set(['n1']),
    nodeFresh: new Set(['n1']),
    leases: new Map([['n1', '2026-11-02T11:59:55Z']]),
  };
}

/** An attempt whose request has been written; what the agent has said of it comes with the arguments. */
function requested(agent: object, node = aNode('n1', cordonedFor(ID)), changes: Given = {}): Given {
  const reboot = {
    attemptID: ID,
    fromBootID: 'boot-1-of-n1',
    nodeRebootUID: 'nrb-of-n1',
    delaySeconds: 0,
    timeoutSeconds: 600,
    baseline: { lastHeartbeatTime: '2026-11-02T11:50:00Z', leaseRenewTime: '2026-11-02T11:50:00Z' },
  };
  const spec = { attempt: anAttempt('n1'), prepare: { attemptID: ID }, reboot };
  const status = { agent: { ...anAgent('n1'), ...required(), prepared: { attemptID: ID, able: true }, ...agent } };
  return {
    nodes: [node, SPARE],
    nodeReboots: [aNodeReboot('n1', spec, status)],
    slots: [aSlot('n1', { requested: 'nrb-of-n1' })],
    answers: everythingRead(),
    ...changes,
  };
}

describe('an attempt', () => {
  it('waits for the agent to say that it could reboot the node, before anything is touched', () => {
    const given = drained({
      nodes: [aNode('n1'), SPARE],
      nodeReboots: [aNodeReboot('n1', { attempt: anAttempt('n1'), prepare: { attemptID: ID } }, { agent: required() })],
    });
    const { plan } = decideOn(given);
    expect(writesOf(plan)).to.deep.equal([]);
    expect(plan.inFlight.get('n1')?.phase).to.equal('Preparing');
  });

  it('is given up when the agent stays silent for 30 s', () => {
    const given = drained({
      nodes: [aNode('n1'), SPARE],
      nodeReboots: [aNodeReboot('n1', { attempt: anAttempt('n1'), prepare: { attemptID: ID } }, { agent: required() })],
    });
    const { plan } = decideOn({ ...given, timers: new Map([[`prepare/${ID}`, 1_000_000 - 30_000]]) });
    expect(plan.steps[0]).to.include({ kind: 'endAttempt', code: 'AgentSilent' });
  });

  it('is given up when the agent says that it could not reboot the node', () => {
    const agent = { ...required(), prepared: { attemptID: ID, able: false, reason: 'no D-Bus' } };
    const nodeReboot = aNodeReboot('n1', { attempt: anAttempt('n1'), prepare: { attemptID: ID } }, { agent });
    const { plan } = decideOn(drained({ nodes: [aNode('n1'), SPARE], nodeReboots: [nodeReboot] }));
    expect(plan.steps[0]).to.include({ kind: 'endAttempt', code: 'AgentUnable' });
  });

  it('cordons only after the pods were found to be evictable', () => {
    const bare = aPod('bare', { metadata: { ownerReferences: [] } });
    const { plan } = decideOn(drained({ nodes: [aNode('n1'), SPARE], answers: { pods: new Map([['n1', [bare]]]) } }));
    expect(plan.steps[0]).to.include({ kind: 'endAttempt', code: 'DrainRefused' });
    const fine = decideOn(
      drained({ nodes: [aNode('n1'), SPARE], answers: { pods: new Map([['n1', [aPod('web-1')]]]) } }),
    );
    expect(fine.plan.steps[0]).to.include({ kind: 'cordon', attemptID: ID, epoch: 1 });
  });

  it('evicts what is on the cordoned node, and requests nothing while pods are left', () => {
    const { plan } = decideOn(drained({ answers: { ...everythingRead(), pods: new Map([['n1', [aPod('web-1')]]]) } }));
    expect(writesOf(plan)).to.deep.equal(['evict']);
  });

  it('is given up when the drain does not end in time', () => {
    const answers = { ...everythingRead(), pods: new Map([['n1', [aPod('web-1')]]]) };
    const { plan } = decideOn(drained({ answers, timers: new Map([[`drain/${ID}`, 1_000_000 - 1_800_000]]) }));
    expect(plan.steps[0]).to.include({ kind: 'endAttempt', code: 'DrainTimedOut' });
  });

  it('reads the node, its pods and the gates past every cache before the request', () => {
    const pods = new Map([['n1', []]]);
    const first = decideOn(drained({ answers: { pods } })).plan;
    expect([writesOf(first), first.asks.map(({ kind }) => kind)], 'gates may take their time').to.deep.equal([
      [],
      ['gates'],
    ]);
    const second = decideOn(drained({ answers: { pods, gates: new Map([[ID, null]]), peopleFresh: false } })).plan;
    expect(writesOf(second)).to.deep.equal([]);
    expect(second.asks.map(({ kind }) => kind).sort()).to.deep.equal(['lease', 'node', 'people', 'pods']);
  });

  it('marks the slot first, then writes the request', () => {
    const { plan } = decideOn(drained());
    expect(plan.lockEdits).to.deep.equal([{ kind: 'mark', attemptID: ID, nodeRebootUID: 'nrb-of-n1' }]);
    expect(plan.steps).to.deep.equal([]);
    const [step] = plan.stepsAfterLock;
    expect(step?.kind).to.equal('request');
    expect(step?.kind === 'request' && step.request).to.deep.include({
      fromBootID: 'boot-1-of-n1',
      nodeRebootUID: 'nrb-of-n1',
      delaySeconds: 0,
      timeoutSeconds: 1800,
    });
  });

  it('waits for nothing but the agent once the request is written: pods are neither read nor watched any more', () => {
    const { plan } = decideOn(requested({}, aNode('n1', cordonedFor(ID)), { answers: {} }));
    expect(plan.asks).to.deep.equal([]);
    expect(writesOf(plan)).to.deep.equal([]);
    expect(plan.inFlight.get('n1')).to.deep.include({ phase: 'Rebooting' });
    const late = decideOn({ ...requested({}), timers: new Map([[`accept/${ID}`, 1_000_000 - 60_000]]) });
    expect(late.plan.steps[0]).to.include({ kind: 'endAttempt', code: 'NotAccepted' });
  });

  it('does not request under a gate that has closed since', () => {
    const closed = { code: 'ActiveAlerts', message: 'KubeNodeNotReady is firing' };
    const { plan } = decideOn(drained({ answers: { ...everythingRead(), gates: new Map([[ID, closed]]) } }));
    expect(writesOf(plan)).to.deep.equal([]);
    expect(plan.inFlight.get('n1')?.verdict).to.deep.include(closed);
  });

  it('puts the node back when a gate stays closed for ten minutes after the drain', () => {
    const closed = { code: 'ActiveAlerts', message: 'KubeNodeNotReady is firing' };
    const answers = { ...everythingRead(), gates: new Map([[ID, closed]]) };
    const { plan } = decideOn(drained({ answers, timers: new Map([[`recheck/${ID}`, 1_000_000 - 600_000]]) }));
    expect(plan.steps[0]).to.include({ kind: 'endAttempt', code: 'ActiveAlerts' });
  });

  it('is put back when what has to be read before the request cannot be read for ten minutes', () => {
    const answers = { ...everythingRead(), leases: new Map() };
    expect(writesOf(decideOn(drained({ answers })).plan)).to.deep.equal([]);
    const late = decideOn(drained({ answers, timers: new Map([[`recheck/${ID}`, 1_000_000 - 600_000]]) }));
    expect(late.plan.steps[0]).to.include({ kind: 'endAttempt', code: 'NotReadable' });
  });

  it('stops only its own node when it cannot be decided', () => {
    const damaged = anAttempt('n1');
    const policy = { ...damaged.policy, spec: { ...damaged.policy.spec, schedule: { windows: {} } } };
    const nodeReboots = [aNodeReboot('n1', { attempt: { ...damaged, policy }, prepare: { attemptID: ID } })];
    expect(decideOn(drained({ nodeReboots })).plan.steps[0]).to.include({
      kind: 'endAttempt',
      code: 'AttemptUnreadable',
    });
  });

  const interruptions: Record<string, [Given, string]> = {
    'everything is paused': [{ namespaceAnnotations: { 'drydock.dev/pause': 'incident 7' } }, 'Paused'],
    'the node is held': [
      {
        nodes: [
          aNode('n1', { ...cordonedFor(ID), annotations: { ...cordonedFor(ID).annotations, 'drydock.dev/hold': '' } }),
          SPARE,
        ],
      },
      'Held',
    ],
    'the policy is gone': [{ policies: [] }, 'PolicyGone'],
    'the policy only reports now': [{ policies: [aPolicy({ mode: 'Report' })] }, 'ReportOnly'],
    'the policy selects other nodes now': [
      { policies: [aPolicy({ nodeSelector: { matchLabels: { role: 'other' } } })] },
      'NotSelected',
    ],
    'somebody has uncordoned the node': [
      { nodes: [aNode('n1', { ...cordonedFor(ID), unschedulable: false, unschedulableManagers: [] }), SPARE] },
      'CordonLifted',
    ],
    'somebody has uncordoned it and cordoned it again': [
      { nodes: [aNode('n1', { ...cordonedFor(ID), unschedulableManagers: ['kubectl-cordon'] }), SPARE] },
      'CordonTaken',
    ],
    'the node has rebooted by itself': [
      { nodes: [aNode('n1', { ...cordonedFor(ID), bootID: 'boot-2-of-n1' }), SPARE] },
      'BootChanged',
    ],
  };
  for (const [what, [changes, code]] of Object.entries(interruptions)) {
    it(`is given up before acceptance when ${what}`, () => {
      expect(decideOn(drained(changes)).plan.steps).to.have.length(1);
      expect(decideOn(drained(changes)).plan.steps[0]).to.include({ kind: 'endAttempt', code });
      const asked = requested({}, changes.nodes?.[0] ?? aNode('n1', cordonedFor(ID)), { ...changes });
      expect(
        decideOn({ ...asked, ...(changes.nodes ? { nodes: changes.nodes } : {}) }).plan.steps[0],
        'with a request under way',
      ).to.include({ kind: 'endAttempt', code });
    });
  }

  it('is given up when its window ends, by its own copy of the schedule', () => {
    const schedule = { timeZone: 'UTC', windows: [{ cron: '0 2 * * *', duration: '1h' }] };
    const nodeReboot = aNodeReboot(
      'n1',
      { attempt: anAttempt('n1', { schedule }), prepare: { attemptID: ID } },
      { agent: { ...required(), prepared: { attemptID: ID, able: true } } },
    );
    expect(decideOn(drained({ nodeReboots: [nodeReboot] })).plan.steps[0]).to.include({
      kind: 'endAttempt',
      code: 'OutsideWindow',
    });
    expect(
      writesOf(decideOn(drained({ policies: [aPolicy({ schedule })] })).plan),
      'an edit applies to the next attempt',
    ).to.deep.equal(['mark', 'request']);
  });

  it('is seen through after acceptance, whatever people do', () => {
    for (const [changes] of Object.values(interruptions)) {
      if (changes.nodes?.[0]?.bootID === 'boot-2-of-n1') continue;
      const node = changes.nodes?.[0] ?? aNode('n1', cordonedFor(ID));
      const { plan } = decideOn(requested({ accepted: ID }, node, { ...changes, nodes: [node, SPARE] }));
      expect(writesOf(plan)).to.deep.equal([]);
      expect(plan.inFlight.get('n1')?.phase).to.equal('Rebooting');
    }
  });

  it('takes a NodeReboot that was deleted after the request for one whose reboot was accepted', () => {
    const { plan } = decideOn({
      ...requested({}),
      nodeReboots: [aNodeReboot('n1')],
      slots: [aSlot('n1', { requested: 'nrb-of-before' })],
    });
    expect(writesOf(plan)).to.deep.equal([]);
    expect(plan.inFlight.get('n1')?.phase).to.equal('Rebooting');
  });

  it('keeps cordon and slot of a node that accepted and does not come back, and says Failed', () => {
    const { plan } = decideOn({
      ...requested({ accepted: ID }),
      timers: new Map([[`reboot/${ID}`, 1_000_000 - 1_800_000]]),
    });
    expect(writesOf(plan), 'only that it is Failed is written down').to.deep.equal(['failAttempt']);
    expect(plan.inFlight.get('n1')).to.deep.include({ phase: 'Failed' });
    expect(plan.inFlight.get('n1')?.verdict.code).to.equal('RebootTimedOut');
  });

  it('puts the node back when the agent reports that the reboot failed', () => {
    const failed = { accepted: ID, failed: { attemptID: ID, reason: 'inhibited' } };
    expect(decideOn(requested(failed)).plan.steps[0]).to.include({ kind: 'restoreNode', uncordon: true });
  });

  const back = { accepted: ID, bootID: 'boot-2-of-n1', rebootRequired: false };
  const rebooted = (changes = {}) => aNode('n1', { ...cordonedFor(ID), bootID: 'boot-2-of-n1', ...changes });

  it('believes Ready only with the new boot ID, another heartbeat, a renewed Lease and the agent back', () => {
    const stages: [Given, string][] = [
      [requested(back, rebooted({ ready: false })), 'NotReady'],
      [requested(back, rebooted({ lastHeartbeatTime: '2026-11-02T11:50:00Z' })), 'NotReady'],
      [requested({ accepted: ID }, rebooted()), 'AgentNotBack'],
      [
        requested(back, rebooted(), {
          answers: { ...everythingRead(), leases: new Map([['n1', '2026-11-02T11:50:00Z']]) },
        }),
        'LeaseNotRenewed',
      ],
    ];
    for (const [given, code] of stages) {
      const { plan } = decideOn(given);
      expect(writesOf(plan), code).to.deep.equal([]);
      expect(plan.inFlight.get('n1')?.phase).to.equal('Verifying');
      expect(plan.inFlight.get('n1')?.verdict.code).to.equal(code);
    }
    expect(decideOn(requested(back, rebooted())).plan.steps[0]).to.include({ kind: 'restoreNode', uncordon: true });
  });

  it('ends in order: node put back, history, NodeReboot cleared, slot freed', () => {
    const uncordoned = aNode('n1', { bootID: 'boot-2-of-n1' });
    const afterUncordon = requested(back, uncordoned);
    const first = decideOn(afterUncordon).plan;
    expect(writesOf(first)).to.deep.equal(['recordHistory']);
    const entry = first.steps[0]?.kind === 'recordHistory' ? first.steps[0].entry : undefined;
    expect(entry).to.include({
      outcome: 'Rebooted',
      attemptID: ID,
      fromBootID: 'boot-1-of-n1',
      toBootID: 'boot-2-of-n1',
    });

    const nodeReboot = afterUncordon.nodeReboots?.[0];
    if (nodeReboot === undefined || entry === undefined) throw new Error('no history');
    const remembered = { ...nodeReboot, status: { ...nodeReboot.status, history: [entry] } };
    expect(writesOf(decideOn({ ...afterUncordon, nodeReboots: [remembered] }).plan)).to.deep.equal(['clearAttempt']);

    const cleared = { ...remembered, spec: { nodeUID: 'uid-of-n1' } };
    expect(decideOn({ ...afterUncordon, nodeReboots: [cleared] }).plan.lockEdits).to.deep.include({
      kind: 'free',
      attemptID: ID,
      why: 'The node has rebooted and is verified.',
    });
  });

  it('keeps the cordon of a node that somebody else had cordoned before', () => {
    const foreign = { unschedulable: true, unschedulableManagers: ['kubectl-cordon'] };
    expect(
      writesOf(decideOn(drained({ nodes: [aNode('n1', foreign), SPARE] })).plan),
      'drained without a cordon of ours',
    ).to.deep.equal(['mark', 'request']);
    expect(writesOf(decideOn(requested(back, aNode('n1', { ...foreign, bootID: 'boot-2-of-n1' }))).plan)).to.deep.equal(
      ['recordHistory'],
    );
  });

  it('is given up when somebody takes off the cordon that was there before it: nobody is cordoned against', () => {
    const attempt = anAttempt('n1', {}, { cordonedBefore: true });
    const agent = { ...required(), prepared: { attemptID: ID, able: true } };
    const nodeReboots = [aNodeReboot('n1', { attempt, prepare: { attemptID: ID } }, { agent })];
    expect(decideOn(drained({ nodeReboots, nodes: [aNode('n1'), SPARE] })).plan.steps[0]).to.include({
      kind: 'endAttempt',
      code: 'CordonLifted',
    });
  });

  it('that was given up goes on only to its end, even if what ended it is over', () => {
    const attempt = anAttempt('n1', {}, { ending: { code: 'Paused', message: 'Node n1 is paused' } });
    const agent = { ...required(), prepared: { attemptID: ID, able: true } };
    const ending = (node = aNode('n1', cordonedFor(ID)), requestedUID = '') => ({
      nodes: [node, SPARE],
      nodeReboots: [aNodeReboot('n1', { attempt }, { agent })],
      slots: [aSlot('n1', { requested: requestedUID })],
      answers: everythingRead(),
    });
    expect(writesOf(decideOn(ending(undefined, 'nrb-of-n1')).plan)).to.deep.equal(['unmark']);
    expect(writesOf(decideOn(ending()).plan)).to.deep.equal(['restoreNode']);
    expect(writesOf(decideOn(ending(aNode('n1'))).plan)).to.deep.equal(['recordHistory']);
  });

  it('whose slot was taken by a controller that died before it wrote the attempt is not begun by another', () => {
    const { plan } = decideOn({ slots: [aSlot('n1')], nodeReboots: [aNodeReboot('n1', {}, { agent: required() })] });
    expect(plan.lockEdits.map(({ kind }) => kind)).to.deep.equal(['free']);
    expect(plan.steps).to.deep.equal([]);
  });

  it('frees the slot of a node that is gone, or that was made anew under its name', () => {
    expect(decideOn({ nodes: [SPARE], slots: [aSlot('n1')] }).plan.lockEdits[0]).to.include({
      kind: 'free',
      attemptID: ID,
    });
    const anew = decideOn({
      nodes: [aNode('n1', { uid: 'another' }), SPARE],
      slots: [aSlot('n1')],
      nodeReboots: [aNodeReboot('n1')],
    });
    expect(writesOf(anew.plan)).to.deep.equal(['free', 'deleteNodeReboot']);
  });
});
