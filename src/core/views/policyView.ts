import type { RebootPolicyStatus } from '../../api/generated/rebootpolicy.ts';
import type { Condition } from '../../api/objects.ts';
import { isMoving } from '../attempt/progress.ts';
import type { Plan } from '../decide.ts';
import type { Slot, Snapshot, Verdict } from '../model.ts';
import { writeInstant } from '../policy/instant.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import { nextWindow } from '../policy/schedule.ts';
import { isUnavailable } from '../queue/budget.ts';
import { otherRebooter } from '../queue/rebooters.ts';
import { mergeConditions, type Said } from './conditions.ts';
import { cut, LONGEST_MESSAGE } from './text.ts';

/** The status of a policy as it should be; `null` removes a field in a merge patch. */
export type RebootPolicyView = Omit<Required<RebootPolicyStatus>, 'nextWindow'> & { nextWindow: string | null };

/** As many names as a text or a list carries. */
const NAMED = 10;

/** A node that waits, and what keeps it. */
interface Kept {
  node: string;
  blockers: readonly Verdict[];
}

export function policyView(read: ReadPolicy, plan: Plan, slots: readonly Slot[], snapshot: Snapshot): RebootPolicyView {
  const { policy, nodes, rules } = read;
  const { now } = snapshot;
  const inFlight = slots.filter((slot) => slot.policyUID === policy.metadata.uid).map(({ node }) => node);
  const waiting = nodes.flatMap(({ name }): Kept[] => {
    const found = plan.waiting.get(name);
    return found?.required ? [{ node: name, blockers: found.blockers }] : [];
  });
  const opens = rules === null ? null : nextWindow(rules.schedule, now);
  const said = [
    readyCondition(read, snapshot),
    progressing(inFlight),
    blocked(plan, inFlight, waiting),
    halted(plan, policy.metadata.uid),
  ].map((condition) => ({ ...condition, observedGeneration: policy.metadata.generation ?? 1 }));
  return {
    observedGeneration: policy.metadata.generation ?? 1,
    conditions: mergeConditions(policy.status?.conditions ?? [], said, now),
    nodes: {
      selected: nodes.length,
      pending: waiting.length,
      inFlight: inFlight.length,
      failed: plan.halts.get(policy.metadata.uid)?.failures.length ?? 0,
      unavailable: nodes.filter((node) => isUnavailable(node, slots, now)).length,
    },
    inFlight: inFlight.sort(),
    blockers: blockersOf(waiting),
    nextWindow: opens === null ? null : writeInstant(opens),
  };
}

/** What keeps the waiting nodes, each code once, with an example of its sentence; the most frequent first. */
function blockersOf(waiting: readonly Kept[]): RebootPolicyView['blockers'] {
  const found = new Map<string, { message: string; nodes: string[] }>();
  for (const { node, blockers } of waiting) {
    for (const { code, message } of blockers) {
      const known = found.get(code) ?? { message: cut(message, LONGEST_MESSAGE), nodes: [] };
      found.set(code, known);
      if (!known.nodes.includes(node)) known.nodes.push(node);
    }
  }
  return [...found]
    .sort(([a, one], [b, other]) => other.nodes.length - one.nodes.length || (a < b ? -1 : 1))
    .slice(0, 16)
    .map(([code, { message, nodes }]) => ({ code, message, nodes: nodes.sort().slice(0, NAMED) }));
}

function readyCondition({ problems, overlaps, rules, nodes }: ReadPolicy, snapshot: Snapshot): Said {
  if (problems.length > 0)
    return said('Ready', false, 'Invalid', `${problems.join(' ')} Until this is mended the policy disrupts nothing.`);
  const other = otherRebooter(rules, snapshot);
  if (other !== null) return said('Ready', false, other.code, other.message);
  const lost = overlaps.slice(0, 3).map(({ node, owner }) => `${node} (${owner})`);
  if (lost.length > 0) {
    const message = `Policies of higher priority, or older ones, own some of the nodes that this one selects: ${lost.join(', ')}.`;
    return said('Ready', true, 'Overlapping', message);
  }
  if (nodes.length === 0) return said('Ready', true, 'NothingSelected', NOTHING_SELECTED);
  if (rules?.mode === 'Report') {
    return said('Ready', true, 'ReportOnly', 'The policy reports and disrupts nothing (mode: Report).');
  }
  const idle = (rules?.maxFailed ?? 1) > snapshot.maxDisrupted;
  const hint = idle
    ? ' Failed nodes keep their slots, so the cap of the controller (--max-disrupted) stops it before failure.maxFailed does.'
    : '';
  return said('Ready', true, 'InForce', `The policy is in force.${hint}`);
}

const NOTHING_SELECTED =
  'No node has the labels that nodeSelector asks for, so the policy does nothing. Compare it with kubectl get nodes --show-labels.';

function progressing(inFlight: readonly string[]): Said {
  return inFlight.length > 0
    ? said('Progressing', true, 'NodesInFlight', `Out of service: ${inFlight.slice(0, NAMED).join(', ')}.`)
    : said('Progressing', false, 'Idle', 'No node is out of service because of this policy.');
}

/** Nodes wait and none is on its way: what keeps the first of them keeps the policy. A Failed node is on no way. */
function blocked(plan: Plan, inFlight: readonly string[], waiting: readonly Kept[]): Said {
  const first = waiting[0]?.blockers[0];
  if (plan.held !== null) return said('Blocked', true, plan.held.code, plan.held.message);
  if (first === undefined) return said('Blocked', false, 'NotBlocked', 'No node waits for a reboot.');
  if (inFlight.some((name) => isMoving(plan.inFlight.get(name))))
    return said('Blocked', false, 'NotBlocked', 'Nodes wait for the ones in flight.');
  return said('Blocked', true, first.code, first.message + aboutNodes(first));
}

function halted(plan: Plan, uid: string): Said {
  const verdict = plan.halts.get(uid)?.verdict ?? null;
  if (verdict === null) return said('Halted', false, 'NotHalted', 'The policy has not halted.');
  return said('Halted', true, 'TooManyFailed', verdict.message + aboutNodes(verdict));
}

function aboutNodes({ nodes = [] }: Verdict): string {
  const names = nodes.slice(0, NAMED).join(', ');
  return names === '' ? '' : ` They are ${names}${nodes.length > NAMED ? ' and others' : ''}.`;
}

function said(type: string, holds: boolean, reason: string, message: string): Said {
  const status: Condition['status'] = holds ? 'True' : 'False';
  return { type, status, reason, message: cut(message, LONGEST_MESSAGE) };
}
