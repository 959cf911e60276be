import { API_VERSION } from '../api/names.ts';
import type { Announcement } from '../cluster/ports.ts';
import type { NodeReboot } from '../core/model.ts';
import type { ReadPolicy } from '../core/policy/owners.ts';
import type { Step } from '../core/steps.ts';
import type { NodeRebootView } from '../core/views/views.ts';

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
    case 'endAttempt':
      return warning(
        step.nodeReboot,
        'RebootInterrupted',
        `Attempt ${step.attempt.id} is given up (${step.code}): ${step.message}`,
      );
    case 'recordHistory': {
      const { outcome, message, attemptID } = step.entry;
      if (outcome === 'Rebooted')
        return normal(
          step.nodeReboot,
          'Rebooted',
          `${message} It is schedulable again unless somebody else cordoned it (attempt ${attemptID}).`,
        );
      return outcome === 'Failed'
        ? warning(step.nodeReboot, 'RebootFailed', `${message} (attempt ${attemptID})`)
        : null;
    }
    default:
      return null;
  }
}

/** Verdicts that people want to be told of when they appear. */
const ALARMING = new Set(['DrainBlocked', 'RebootTimedOut', 'NotVerified', 'SentinelPersists']);

/** The Event of a verdict that is new. */
export function announcementFor(nodeReboot: NodeReboot, { verdict }: NodeRebootView): Announcement | null {
  if (!ALARMING.has(verdict.code) || nodeReboot.status?.verdict?.code === verdict.code) return null;
  return warning(nodeReboot, verdict.code, verdict.message);
}

/** The Event of a policy that has become unusable. */
export function invalidPolicy({ policy, name, problems }: ReadPolicy): Announcement | null {
  const known =
    policy.status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'Invalid') === true;
  if (problems.length === 0 || known) return null;
  const about = { apiVersion: API_VERSION, kind: 'RebootPolicy', name, uid: policy.metadata.uid };
  return { type: 'Warning', reason: 'PolicyInvalid', message: problems.join(' '), about };
}

function normal(nodeReboot: NodeReboot, reason: string, message: string): Announcement {
  return { type: 'Normal', reason, message, about: nodeOf(nodeReboot) };
}

function warning(nodeReboot: NodeReboot, reason: string, message: string): Announcement {
  return { type: 'Warning', reason, message, about: nodeOf(nodeReboot) };
}

function nodeOf({ metadata: { name }, spec }: NodeReboot): Announcement['about'] {
  return { apiVersion: 'v1', kind: 'Node', name, uid: spec.nodeUID };
}
