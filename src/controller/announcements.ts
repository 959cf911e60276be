import { API_VERSION } from '../api/names.ts';
import type { Announcement } from '../cluster/ports.ts';
import type { NodeReboot, RebootPolicy } from '../core/model.ts';
import type { ReadPolicy } from '../core/policy/owners.ts';
import type { Step } from '../core/steps.ts';
import type { NodeRebootView } from '../core/views/nodeRebootView.ts';

/** The Event of a step that was taken, if people want to know of it. It is about the Node: that is where they look. */
export function announcementOf(step: Step): Announcement | null {
  switch (step.kind) {
    case 'beginAttempt': {
      const reasons = step.nodeReboot.status?.agent?.reasons ?? [];
      const because = reasons.length > 0 ? `, because of ${reasons.slice(0, 10).join(', ')}` : '';
      return normal(
        step.nodeReboot,
        'RebootAttemptStarted',
        `Attempt ${step.attempt.id} under policy ${step.attempt.policy.name} begins${because}.`,
      );
    }
    case 'request':
      return normal(
        step.nodeReboot,
        'RebootRequested',
        `The node is drained; the agent is asked to reboot it (attempt ${step.request.attemptID}).`,
      );
    case 'escalate':
      return warning(step.nodeReboot, 'DrainEscalated', escalated(step));
    case 'failAttempt':
      return warning(step.nodeReboot, step.code, `${step.message} (attempt ${step.attempt.id})`);
    case 'grant':
      return granted(step);
    case 'haltPolicy':
      return { type: 'Warning', reason: 'PolicyHalted', message: step.message, about: policyOf(step.policy) };
    case 'resumePolicy': {
      const message = `The policy goes on${step.reason ? `: ${step.reason}` : ''}.`;
      return { type: 'Normal', reason: 'PolicyResumed', message, about: policyOf(step.policy) };
    }
    case 'endAttempt':
      return warning(
        step.nodeReboot,
        'RebootInterrupted',
        `Attempt ${step.attempt.id} is given up (${step.code}): ${step.message}`,
      );
    case 'recordHistory':
      return ended(step);
    default:
      return null;
  }
}

function escalated({ escalation, attempt, pods }: OneStep<'escalate'>): string {
  const what =
    escalation === 'Delete' ? 'the pods that are left are deleted' : 'the node is rebooted with the pods left';
  return `The drain did not end in time; ${what} (attempt ${attempt.id}): ${pods.slice(0, 10).join(', ')}`;
}

function granted({ nodeReboot, grant, reason }: OneStep<'grant'>): Announcement {
  const [word, what] =
    grant.kind === 'Approve' ? ['RebootApproved', 'A reboot is approved'] : ['RebootNow', 'A reboot is wanted now'];
  return normal(nodeReboot, word, `${what} by annotation of the NodeReboot${reason ? `: ${reason}` : ''}.`);
}

function ended({ nodeReboot, entry }: OneStep<'recordHistory'>): Announcement | null {
  const { outcome, message, attemptID } = entry;
  if (outcome === 'Failed') return warning(nodeReboot, 'RebootFailed', `${message} (attempt ${attemptID})`);
  if (outcome !== 'Rebooted') return null;
  const more = 'It is schedulable again unless somebody else cordoned it';
  return normal(nodeReboot, 'Rebooted', `${message} ${more} (attempt ${attemptID}).`);
}

type OneStep<K extends Step['kind']> = Extract<Step, { kind: K }>;

/** Verdicts that people want to be told of when they appear. */
const ALARMING = new Set(['DrainBlocked', 'SentinelPersists']);

/** The Event of a verdict that is new. */
export function announcementFor(nodeReboot: NodeReboot, { verdict }: NodeRebootView): Announcement | null {
  if (!ALARMING.has(verdict.code) || nodeReboot.status?.verdict?.code === verdict.code) return null;
  return warning(nodeReboot, verdict.code, verdict.message);
}

/** The Event of a policy that has become unusable. */
export function invalidPolicy({ policy, problems }: ReadPolicy): Announcement | null {
  const known =
    policy.status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'Invalid') === true;
  if (problems.length === 0 || known) return null;
  return { type: 'Warning', reason: 'PolicyInvalid', message: problems.join(' '), about: policyOf(policy) };
}

function normal(nodeReboot: NodeReboot, reason: string, message: string): Announcement {
  return { type: 'Normal', reason, message, about: nodeOf(nodeReboot) };
}

function warning(nodeReboot: NodeReboot, reason: string, message: string): Announcement {
  return { type: 'Warning', reason, message, about: nodeOf(nodeReboot) };
}

function policyOf({ metadata: { name, uid } }: RebootPolicy): Announcement['about'] {
  return { apiVersion: API_VERSION, kind: 'RebootPolicy', name, uid };
}

function nodeOf({ metadata: { name }, spec }: NodeReboot): Announcement['about'] {
  return { apiVersion: 'v1', kind: 'Node', name, uid: spec.nodeUID };
}
