import { ANNOTATIONS } from '../../api/names.ts';
import type { Slot, Snapshot, Verdict } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import type { Step } from '../steps.ts';
import { failureOf, type NodeFailure } from './failures.ts';

/** Whether a policy has halted, and what is to be written about it. */
export interface Halt {
  /** Null while the policy goes on. */
  verdict: Verdict | null;
  failures: readonly NodeFailure[];
  step: Step | null;
}

/**
 * A policy halts when as many of its nodes are Failed as it allows, and stays so until a person says `resume`, also when
 * the nodes recover by themselves. What the person knew of then no longer counts.
 */
export function haltOf({ policy, nodes, rules }: ReadPolicy, slots: readonly Slot[], snapshot: Snapshot): Halt {
  const failures = nodes.flatMap((node) => {
    const nodeReboot = snapshot.nodeReboots.get(node.name);
    return nodeReboot === undefined ? [] : (failureOf(node, nodeReboot, slots) ?? []);
  });
  const annotations = policy.metadata.annotations ?? {};
  const { [ANNOTATIONS.halted]: halted, [ANNOTATIONS.resume]: resume } = annotations;
  const known = (annotations[ANNOTATIONS.acknowledged] ?? '').split(',');
  const open = failures.filter(({ attemptID }) => !known.includes(attemptID));
  const tooMany = rules?.mode === 'Enforce' && open.length >= rules.maxFailed;
  const verdict = halted !== undefined || tooMany ? haltedBy(open) : null;
  if (resume !== undefined && rules?.mode !== 'Report') {
    const acknowledged = failures.map(({ attemptID }) => attemptID);
    return { verdict, failures, step: { kind: 'resumePolicy', policy, acknowledged, reason: resume } };
  }
  if (halted !== undefined || !tooMany) return { verdict, failures, step: null };
  const attempts = open.map(({ attemptID }) => attemptID);
  return { verdict, failures, step: { kind: 'haltPolicy', policy, attempts, message: describe(open) } };
}

function haltedBy(open: readonly NodeFailure[]): Verdict {
  const message = `The policy has halted, since too many of its nodes failed to reboot (failure.maxFailed). Look at them, then annotate the policy with ${ANNOTATIONS.resume}.`;
  return { code: 'Halted', message, nodes: open.map(({ node }) => node).sort() };
}

function describe(open: readonly NodeFailure[]): string {
  const nodes = open.slice(0, 10).map(({ node, code }) => `${node} (${code})`);
  return `Failed: ${nodes.join(', ')}${open.length > 10 ? ' and others' : ''}.`;
}
