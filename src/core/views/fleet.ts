import { isMoving } from '../attempt/progress.ts';
import type { Plan } from '../decide.ts';
import type { Snapshot } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import { phaseOf } from './nodeRebootView.ts';

/** The fleet in numbers, for metrics. */
export function fleetOf(plan: Plan, { nodeReboots }: Snapshot) {
  const required = [...nodeReboots].map(
    ([name, { status }]) => [name, status?.agent?.rebootRequired === true] as const,
  );
  return {
    required: new Map(required),
    policies: plan.policies.map((read) => ({
      policy: read.name,
      ready: read.problems.length === 0,
      phases: phasesOf(read, plan),
      blockedBy: blockedBy(read, plan),
      ...halt(read, plan),
    })),
  };
}

function halt({ policy }: ReadPolicy, { halts }: Plan): { halted: boolean; failed: number } {
  const found = halts.get(policy.metadata.uid);
  return { halted: (found?.verdict ?? null) !== null, failed: found?.failures.length ?? 0 };
}

function phasesOf({ nodes }: ReadPolicy, plan: Plan): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of nodes) {
    const waiting = plan.waiting.get(name);
    const phase = plan.inFlight.get(name)?.phase ?? (waiting ? phaseOf(waiting) : 'Unknown');
    counts.set(phase, (counts.get(phase) ?? 0) + 1);
  }
  return counts;
}

function blockedBy({ nodes }: ReadPolicy, plan: Plan): string | null {
  if (nodes.some(({ name }) => isMoving(plan.inFlight.get(name)))) return null;
  const first = nodes.map(({ name }) => plan.waiting.get(name)).find((waiting) => waiting?.required);
  return first?.blockers[0]?.code ?? null;
}
