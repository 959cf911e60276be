import type { AgentReport, Reboot } from '../api/generated/nodereboot.ts';
import type { NodeReboot } from './model.ts';
import { cut } from './views/text.ts';

/** How often an order of unknown outcome is given in all. */
export const MOST_ORDERS = 3;

/** What the sentinel says; times are the node's wall clock, RFC 3339. */
export interface Sentinel {
  required: boolean;
  /** When it last changed; empty if there is none. */
  changed: string;
  /** When it was there at the latest, by the kernel's own stamp; empty if there is none. */
  placed: string;
  reasons: readonly string[];
}

/** What the rebooter answered to a probe. */
export type Probe = { able: true; method: string } | { able: false; reason: string; method?: string };

/** Everything that an agent's decision is made from, besides its NodeReboot. */
export interface AgentState {
  /** Of this boot. */
  bootID: string;
  /** The Node's UID, from the node claim of the agent's own token. */
  nodeUID: string;
  version: string;
  sentinel: Sentinel;
  /** The rebooter's last answer; null before the first. */
  probe: Probe | null;
  /** Seconds since boot, which go on while the machine sleeps. */
  uptime: number;
  /** The node's wall clock, epoch ms: for what people read. */
  now: number;
  /** The attempts whose order this process has given. */
  ordered: ReadonlySet<string>;
  /** The attempts whose order the rebooter has certainly refused, with its reasons. */
  refused: ReadonlyMap<string, string>;
  /** The report that was answered a short while ago, as `reportKey` names it; empty if none was. */
  reported: string;
}

/** The agent's next move: one write of its own status, which is a compare-and-swap, or one call of the rebooter. */
export type AgentMove =
  /** `refused` is the attempt whose request is not followed, and `why` says why not. */
  | { kind: 'wait'; seconds?: number; why?: string; refused?: string }
  | { kind: 'report'; report: AgentReport }
  | { kind: 'probe'; attemptID: string }
  | { kind: 'accept'; attemptID: string; uptime: number }
  /** Raise `orders`, then order: the count is written first, so that a crash in between never orders once too often. */
  | { kind: 'order'; attemptID: string; orders: number }
  | { kind: 'fail'; attemptID: string; reason: string };

/**
 * Decides an agent's next move from what its NodeReboot says now. It accepts only a request that is made to this boot,
 * through this object, and that it has not reported as failed.
 */
export function decideAgent(nodeReboot: NodeReboot, state: AgentState): AgentMove {
  if (nodeReboot.spec.nodeUID !== state.nodeUID)
    return refuses(nodeReboot.spec.reboot, 'the NodeReboot belongs to another node of this name');
  const agent = nodeReboot.status?.agent ?? {};
  const report = reportOf(agent, state);
  // A field that an older resource definition does not keep must not be reported without end.
  const due = !isReported(agent, report) && state.reported !== reportKey(nodeReboot, report);
  if (due) return { kind: 'report', report };
  return prepareMove(nodeReboot, agent) ?? rebootMove(nodeReboot, agent, state);
}

/** What the agent says of its node, as it should stand in status. */
function reportOf(agent: AgentReport, state: AgentState): AgentReport {
  const { bootID, nodeUID, version, sentinel, probe } = state;
  const first = agent.bootID !== bootID || agent.rebootRequired !== true || agent.since === undefined;
  const since = first ? new Date(state.now).toISOString() : agent.since;
  const sinceUptime = first ? Math.round(thereSince(state)) : agent.sinceUptime;
  return {
    bootID,
    nodeUID,
    version,
    rebootRequired: sentinel.required,
    ...(sentinel.required && since !== undefined ? { since } : {}),
    ...(sentinel.required && sinceUptime !== undefined ? { sinceUptime } : {}),
    ...(sentinel.required
      ? { changed: sentinel.changed, reasons: sentinel.reasons.slice(0, 64).map((reason) => cut(reason, 256)) }
      : {}),
    ...(probe === null ? {} : { reboot: probe }),
  };
}

/**
 * Since when the sentinel has been there at the latest, on the boot-time clock. An agent that starts late sees it late,
 * but the kernel has stamped the file. The stamp is of the wall clock, which may have stepped since: so it only ever
 * makes the time earlier, and a sentinel that outlived its boot has been there from the beginning of this one.
 */
function thereSince({ sentinel, uptime, now }: AgentState): number {
  const age = (now - Date.parse(sentinel.placed)) / 1_000;
  return age > 0 ? Math.max(0, uptime - age) : uptime;
}

/** The fields that a report sets; those that it leaves out are removed. */
const REPORTED = [
  'bootID',
  'nodeUID',
  'version',
  'rebootRequired',
  'since',
  'sinceUptime',
  'changed',
  'reasons',
  'reboot',
] as const;

function isReported(agent: AgentReport, report: AgentReport): boolean {
  return REPORTED.every((field) => canonical(agent[field]) === canonical(report[field]));
}

/** Names a report to one NodeReboot. */
export function reportKey({ metadata }: NodeReboot, report: AgentReport): string {
  return `${metadata.uid} ${JSON.stringify(report)}`;
}

/** A report as a merge patch of `status.agent`: what it leaves out goes. */
export function reportPatch(report: AgentReport): Record<string, unknown> {
  const { able, method = null, reason = null } = report.reboot ?? { able: false };
  const reboot = report.reboot === undefined ? null : { able, method, reason };
  return { ...Object.fromEntries(REPORTED.map((field) => [field, report[field] ?? null])), reboot };
}

function prepareMove({ spec }: NodeReboot, agent: AgentReport): AgentMove | null {
  const attemptID = spec.prepare?.attemptID;
  if (attemptID === undefined || agent.prepared?.attemptID === attemptID) return null;
  return { kind: 'probe', attemptID };
}

function rebootMove(nodeReboot: NodeReboot, agent: AgentReport, state: AgentState): AgentMove {
  const request = nodeReboot.spec.reboot;
  if (request === undefined) return { kind: 'wait' };
  const refusal = refusalOf(request, nodeReboot, agent, state);
  if (refusal !== null) return refuses(request, refusal);
  const { attemptID } = request;
  if (agent.accepted !== attemptID) return { kind: 'accept', attemptID, uptime: state.uptime };
  return orderMove(request, agent, state);
}

function refusalOf(
  request: Reboot,
  { metadata }: NodeReboot,
  agent: AgentReport,
  { bootID }: AgentState,
): string | null {
  if (request.fromBootID !== bootID) return 'the request is made to another boot';
  if (request.nodeRebootUID !== metadata.uid) return 'the request was made through another NodeReboot';
  if (agent.failed?.attemptID === request.attemptID) return 'the attempt has been reported as failed';
  return null;
}

/** Accepted: the order is given in time or not at all, on the clock that counts from boot. */
function orderMove(request: Reboot, agent: AgentReport, state: AgentState): AgentMove {
  const { attemptID, delaySeconds, timeoutSeconds } = request;
  const orders = agent.orders ?? 0;
  const refusal = state.refused.get(attemptID);
  if (refusal !== undefined) {
    // An order before this one may still be carried out: then "it has failed" would be a lie that uncordons the node.
    const unknown = `the order was refused (${refusal}), but one before it had an unknown outcome`;
    return orders > 1 ? refuses(request, unknown) : { kind: 'fail', attemptID, reason: refusal };
  }
  if (state.ordered.has(attemptID)) return { kind: 'wait', why: 'the order has been given' };
  const sinceAcceptance = state.uptime - (agent.acceptedUptime ?? 0);
  if (sinceAcceptance > timeoutSeconds) {
    return orders === 0
      ? { kind: 'fail', attemptID, reason: 'the order could not be given in time after it was accepted' }
      : refuses(request, 'the order was given, with unknown outcome, and is too old to be given again');
  }
  if (orders >= MOST_ORDERS) return refuses(request, `the order was given ${orders} times with unknown outcome`);
  const delay = delaySeconds - sinceAcceptance;
  return delay > 0 ? { kind: 'wait', seconds: delay } : { kind: 'order', attemptID, orders: orders + 1 };
}

function refuses(request: Reboot | undefined, why: string): AgentMove {
  return { kind: 'wait', why, ...(request === undefined ? {} : { refused: request.attemptID }) };
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  return JSON.stringify(Array.isArray(value) ? value : Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
