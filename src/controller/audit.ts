import type { ObjectStep } from '../core/steps.ts';
import type { Fields } from '../telemetry/log.ts';

/** A step as the fields of its log line: what was done to which node, for which attempt, and why. */
export function auditOf(step: ObjectStep): Fields {
  switch (step.kind) {
    case 'createNodeReboot':
      return { node: step.node.name };
    case 'deleteNodeReboot':
      return { node: step.nodeReboot.metadata.name, why: step.why };
    case 'adoptNode':
      return { node: step.node.name, epoch: step.epoch };
    case 'adoptAttempt':
      return { node: step.nodeReboot.metadata.name, attemptID: step.attempt.id, epoch: step.epoch };
    case 'beginAttempt': {
      const { id, trigger, policy } = step.attempt;
      return {
        node: step.nodeReboot.metadata.name,
        attemptID: id,
        trigger,
        grant: step.nodeReboot.spec.grant?.kind,
        policy: policy.name,
        reasons: step.nodeReboot.status?.agent?.reasons ?? [],
      };
    }
    case 'cordon':
      return { node: step.node.name, attemptID: step.attemptID };
    case 'request':
      return {
        node: step.nodeReboot.metadata.name,
        attemptID: step.request.attemptID,
        fromBootID: step.request.fromBootID,
      };
    case 'escalate': {
      const { name } = step.nodeReboot.metadata;
      return { node: name, attemptID: step.attempt.id, escalation: step.escalation, pods: step.pods.slice(0, 100) };
    }
    case 'failAttempt':
      return { node: step.nodeReboot.metadata.name, attemptID: step.attempt.id, code: step.code, why: step.message };
    case 'grant': {
      const { kind, bootID } = step.grant;
      return {
        node: step.nodeReboot.metadata.name,
        grant: kind,
        bootID,
        attemptID: step.nodeReboot.spec.attempt?.id,
        reason: step.reason,
      };
    }
    case 'dropGrant':
    case 'dropRelease':
      return { node: step.nodeReboot.metadata.name };
    case 'guardPolicy':
      return { policy: step.policy.metadata.name, guarded: step.guarded };
    case 'haltPolicy':
      return { policy: step.policy.metadata.name, attemptIDs: step.attempts, why: step.message };
    case 'resumePolicy':
      return { policy: step.policy.metadata.name, attemptIDs: step.acknowledged, reason: step.reason };
    case 'endAttempt':
      return { node: step.nodeReboot.metadata.name, attemptID: step.attempt.id, code: step.code, why: step.message };
    case 'releaseNode':
      return { node: step.node.name, attemptID: step.attemptID, boot: step.boot };
    case 'restoreNode':
      return { node: step.node.name, attemptID: step.attemptID, uncordon: step.uncordon };
    case 'recordHistory': {
      // A field named message would be appended to the line's own.
      const { message, ...entry } = step.entry;
      return { node: step.nodeReboot.metadata.name, ...entry, why: message };
    }
    case 'clearAttempt':
      return { node: step.nodeReboot.metadata.name, attemptID: step.attemptID };
  }
}
