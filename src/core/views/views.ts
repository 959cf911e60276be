import type { NodeRebootStatus } from '../../api/generated/nodereboot.ts';
import type { RebootPolicyStatus } from '../../api/generated/rebootpolicy.ts';
import type { Condition } from '../../api/objects.ts';
import { nameOf } from '../attempt/drain.ts';
import type { Progress } from '../attempt/progress.ts';
import type { Plan } from '../decide.ts';
import type { NodeReboot, Slot, Snapshot, Verdict } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import { nextWindow } from '../policy/schedule.ts';
import { isUnavailable } from '../queue/budget.ts';
import type { Waiting } from '../queue/queue.ts';
import type { Phase } from '../steps.ts';
import { mergeConditions, type Said } from './conditions.ts';
import { stepConditions } from './stepConditions.ts';
import { cut, LONGEST_MESSAGE } from './text.ts';

/** What people read of a NodeReboot, as a merge patch of its status: `null` removes a field. */
export interface NodeRebootView {
  phase: Phase;
  verdict: {
    code: string;
    message: string;
    nextCheck: string | null;
    blockers: { code: string; message: string }[] | null;
  };
  conditions: Condition[];
  drain: NodeRebootStatus['drain'] | null;
}

/** The status of a NodeReboot as it should be; null when the decision says nothing of its node. */
export function nodeRebootView(nodeReboot: NodeReboot, plan: Plan, now: number): NodeRebootView | null {
  const { name } = nodeReboot.metadata;
  const progress = plan.inFlight.get(name);
  const before = nodeReboot.status?.conditions ?? [];
  const conditions = mergeConditions(before, stepConditions(nodeReboot, progress), now);
  if (progress !== undefined) {
    return {
      phase: progress.phase,
      verdict: verdictOf([progress.verdict]),
      conditions,
      drain: drainOf(progress),
    };
  }
  const waiting = plan.waiting.get(name);
  if (waiting === undefined) return null;
  return { phase: phaseOf(waiting), verdict: verdictOf(waiting.blockers), conditions, drain: null };
}

export function phaseOf({ required, blockers }: Waiting): 'Idle' | 'Pending' | 'Failed' {
  if (!required) return 'Idle';
  return blockers.some(({ code }) => code === 'SentinelPersists') ? 'Failed' : 'Pending';
}

function verdictOf(blockers: readonly Verdict[]): NodeRebootView['verdict'] {
  const [first] = blockers;
  const { code, message, nextCheck } = first ?? { code: 'Unknown', message: 'Nothing is known.' };
  const all = blockers
    .slice(0, 16)
    .map((blocker) => ({ code: blocker.code, message: cut(blocker.message, LONGEST_MESSAGE) }));
  return {
    code,
    message: cut(message, LONGEST_MESSAGE),
    nextCheck: nextCheck === undefined ? null : new Date(nextCheck).toISOString(),
    blockers: all.length < 2 ? null : all,
  };
}

function drainOf({ drain }: Progress): NodeRebootView['drain'] {
  if (drain === undefined) return null;
  const podsLeft = drain.left.length;
  const stuck =
    drain.waitingFor.length > 0 ? drain.waitingFor : drain.left.slice(0, 3).map((pod) => `${nameOf(pod)}: terminating`);
  return { podsLeft, waitingFor: stuck.slice(0, 16).map((text) => cut(text, 1024)) };
}

/** The status of a policy as it should be; `null` removes a field in a merge patch. */
export type RebootPolicyView = Omit<Required<RebootPolicyStatus>, 'nextWindow'> & { nextWindow: string | null };

export function policyView(read: ReadPolicy, plan: Plan, slots: readonly Slot[], { now }: Snapshot): RebootPolicyView {
  const { policy, nodes, rules } = read;
  const inFlight = slots.filter((slot) => slot.policyUID === policy.metadata.uid).map(({ node }) => node);
  const waiting = nodes.flatMap(({ name }) => plan.waiting.get(name) ?? []).filter(({ required }) => required);
  const stuck = inFlight.filter((name) => plan.inFlight.get(name)?.phase === 'Failed').length;
  const opens = rules === null ? null : nextWindow(rules.schedule, now);
  return {
    observedGeneration: policy.metadata.generation ?? 1,
    conditions: mergeConditions(policy.status?.conditions ?? [], conditionsOf(read, plan, inFlight, waiting), now),
    nodes: {
      selected: nodes.length,
      pending: waiting.length,
      inFlight: inFlight.length,
      failed: stuck + waiting.filter((node) => phaseOf(node) === 'Failed').length,
      unavailable: nodes.filter((node) => isUnavailable(node, slots, now)).length,
    },
    inFlight: inFlight.sort(),
    nextWindow: opens === null ? null : new Date(opens).toISOString().replace('.000Z', 'Z'),
  };
}

function conditionsOf(read: ReadPolicy, plan: Plan, inFlight: readonly string[], waiting: readonly Waiting[]): Said[] {
  return [readyCondition(read), progressing(inFlight), blocked(plan, inFlight, waiting)].map((said) => ({
    ...said,
    observedGeneration: read.policy.metadata.generation ?? 1,
  }));
}

function readyCondition({ problems, overlaps, rules }: ReadPolicy): Said {
  if (problems.length > 0)
    return said('Ready', false, 'Invalid', `${problems.join(' ')} Until this is mended the policy disrupts nothing.`);
  const lost = overlaps.slice(0, 3).map(({ node, owner }) => `${node} (${owner})`);
  if (lost.length > 0) {
    return said(
      'Ready',
      true,
      'Overlapping',
      `Older policies own some of the nodes that this one selects: ${lost.join(', ')}.`,
    );
  }
  return rules?.mode === 'Report'
    ? said('Ready', true, 'ReportOnly', 'The policy reports and disrupts nothing (mode: Report).')
    : said('Ready', true, 'InForce', 'The policy is in force.');
}

function progressing(inFlight: readonly string[]): Said {
  return inFlight.length > 0
    ? said('Progressing', true, 'NodesInFlight', `Out of service: ${inFlight.slice(0, 10).join(', ')}.`)
    : said('Progressing', false, 'Idle', 'No node is out of service because of this policy.');
}

/** Nodes wait and none is in flight: what keeps the first of them keeps the policy. */
function blocked(plan: Plan, inFlight: readonly string[], waiting: readonly Waiting[]): Said {
  const first = waiting[0]?.blockers[0];
  if (plan.held !== null) return said('Blocked', true, plan.held.code, plan.held.message);
  if (first === undefined) return said('Blocked', false, 'NotBlocked', 'No node waits for a reboot.');
  if (inFlight.length > 0) return said('Blocked', false, 'NotBlocked', 'Nodes wait for the ones in flight.');
  return said('Blocked', true, first.code, first.message + aboutNodes(first));
}

function aboutNodes({ nodes = [] }: Verdict): string {
  const names = nodes.slice(0, 10).join(', ');
  return names === '' ? '' : ` They are ${names}${nodes.length > 10 ? ' and others' : ''}.`;
}

function said(type: string, holds: boolean, reason: string, message: string): Said {
  const status: Condition['status'] = holds ? 'True' : 'False';
  return { type, status, reason, message: cut(message, LONGEST_MESSAGE) };
}
