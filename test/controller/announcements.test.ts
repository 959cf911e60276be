import { expect } from 'chai';
import { announcementOf } from '../../src/controller/announcements.ts';
import { auditOf } from '../../src/controller/audit.ts';
import type { ObjectStep } from '../../src/core/steps.ts';
import { aNode, aNodeReboot, anAttempt, aPolicy, NOON } from '../support/cluster.ts';

const nodeReboot = aNodeReboot('n1');
const attempt = anAttempt('n1');
const node = aNode('n1');
const policy = aPolicy();
const ID = attempt.id;
const NODE = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'uid-of-n1' };
const POLICY = { apiVersion: 'drydock.dev/v1alpha1', kind: 'RebootPolicy', name: 'workers', uid: 'policy-workers' };

interface Told {
  step: ObjectStep;
  /** The Event, if people are told of it. */
  event: { type: string; reason: string; message: string; about: object } | null;
  /** The fields of the log line. */
  fields: object;
}

const STEPS: Readonly<Record<string, Told>> = {
  'a drain that escalates to deletion': {
    step: { kind: 'escalate', nodeReboot, attempt, escalation: 'Delete', pods: ['default/a', 'default/b'], now: NOON },
    event: {
      type: 'Warning',
      reason: 'DrainEscalated',
      message: `The drain did not end in time; the pods that are left are deleted (attempt ${ID}): default/a, default/b`,
      about: NODE,
    },
    fields: { node: 'n1', attemptID: ID, escalation: 'Delete', pods: ['default/a', 'default/b'] },
  },
  'a drain that escalates to a reboot': {
    step: { kind: 'escalate', nodeReboot, attempt, escalation: 'Reboot', pods: ['default/a'], now: NOON },
    event: {
      type: 'Warning',
      reason: 'DrainEscalated',
      message: `The drain did not end in time; the node is rebooted with the pods left (attempt ${ID}): default/a`,
      about: NODE,
    },
    fields: { node: 'n1', attemptID: ID, escalation: 'Reboot', pods: ['default/a'] },
  },
  'an accepted attempt that has failed': {
    step: { kind: 'failAttempt', nodeReboot, attempt, code: 'RebootTimedOut', message: 'It is not back.', now: NOON },
    event: { type: 'Warning', reason: 'RebootTimedOut', message: `It is not back. (attempt ${ID})`, about: NODE },
    fields: { node: 'n1', attemptID: ID, code: 'RebootTimedOut', why: 'It is not back.' },
  },
  'an approval, with the reason that the person gave': {
    step: { kind: 'grant', nodeReboot, grant: { kind: 'Approve', bootID: 'b', at: '' }, reason: 'change 7' },
    event: {
      type: 'Normal',
      reason: 'RebootApproved',
      message: 'A reboot is approved by annotation of the NodeReboot: change 7.',
      about: NODE,
    },
    fields: { node: 'n1', grant: 'Approve', bootID: 'b', attemptID: undefined, reason: 'change 7' },
  },
  'a reboot that a person wants now, without a reason': {
    step: {
      kind: 'grant',
      nodeReboot: aNodeReboot('n1', { attempt }),
      grant: { kind: 'RebootNow', bootID: 'b', at: '' },
      reason: '',
    },
    event: {
      type: 'Normal',
      reason: 'RebootNow',
      message: 'A reboot is wanted now by annotation of the NodeReboot.',
      about: NODE,
    },
    fields: { node: 'n1', grant: 'RebootNow', bootID: 'b', attemptID: ID, reason: '' },
  },
  'a grant that has lapsed': { step: { kind: 'dropGrant', nodeReboot }, event: null, fields: { node: 'n1' } },
  'a release in vain': { step: { kind: 'dropRelease', nodeReboot }, event: null, fields: { node: 'n1' } },
  'a policy that is guarded': {
    step: { kind: 'guardPolicy', policy, guarded: true },
    event: null,
    fields: { policy: 'workers', guarded: true },
  },
  'a policy that halts': {
    step: { kind: 'haltPolicy', policy, attempts: [ID], message: 'Failed: n1 (NotAccepted).' },
    event: { type: 'Warning', reason: 'PolicyHalted', message: 'Failed: n1 (NotAccepted).', about: POLICY },
    fields: { policy: 'workers', attemptIDs: [ID], why: 'Failed: n1 (NotAccepted).' },
  },
  'a policy that goes on': {
    step: { kind: 'resumePolicy', policy, acknowledged: [ID], reason: 'n1 was replaced' },
    event: { type: 'Normal', reason: 'PolicyResumed', message: 'The policy goes on: n1 was replaced.', about: POLICY },
    fields: { policy: 'workers', attemptIDs: [ID], reason: 'n1 was replaced' },
  },
  'a release': {
    step: { kind: 'endAttempt', nodeReboot, attempt, code: 'Released', message: 'A late reboot is possible.' },
    event: {
      type: 'Warning',
      reason: 'RebootInterrupted',
      message: `Attempt ${ID} is given up (Released): A late reboot is possible.`,
      about: NODE,
    },
    fields: { node: 'n1', attemptID: ID, code: 'Released', why: 'A late reboot is possible.' },
  },
  'a node that is left to people': {
    step: { kind: 'releaseNode', node, attemptID: ID, boot: 'boot-1' },
    event: null,
    fields: { node: 'n1', attemptID: ID, boot: 'boot-1' },
  },
};

describe('what is told', () => {
  for (const [what, { step, event, fields }] of Object.entries(STEPS)) {
    it(`of ${what}: ${event === null ? 'a log line and no Event' : 'an Event and a log line'}`, () => {
      expect(announcementOf(step)).to.deep.equal(event);
      expect(auditOf(step)).to.deep.equal(fields);
    });
  }

  it('names ten pods at most in an Event, and a hundred in the log', () => {
    const pods = Array.from({ length: 300 }, (_, index) => `default/p${index}`);
    const step = { kind: 'escalate', nodeReboot, attempt, escalation: 'Reboot', pods, now: NOON } as const;
    expect(announcementOf(step)?.message).to.match(/p8, default\/p9$/);
    expect(auditOf(step).pods).to.have.length(100);
  });
});
