/** Attempts on the node n1, of which a test says only what it is about. */

import type { AgentReport, NodeRebootSpec, NodeRebootStatus } from '../../src/api/generated/nodereboot.ts';
import type { RebootPolicySpec } from '../../src/api/generated/rebootpolicy.ts';
import type { Pod } from '../../src/api/objects.ts';
import type { Answers, NodeReboot, NodeView, Slot } from '../../src/core/model.ts';
import type { Step } from '../../src/core/steps.ts';
import { aNode, aNodeReboot, anAttempt, aPolicy, aSlot, cordonedFor, type Given, required } from './cluster.ts';
import { SPARE } from './fleet.ts';

export const ID = 'attempt-of-n1';

/** How an attempt differs from one whose node is cordoned and whose agent is prepared. */
export interface Flight extends Given {
  /** The policy, now and as the attempt has it. */
  spec?: Partial<RebootPolicySpec>;
  attempt?: Partial<NonNullable<NodeRebootSpec['attempt']>>;
  /** What else the NodeReboot asks. */
  asks?: Partial<NodeRebootSpec>;
  agent?: Partial<AgentReport>;
  status?: NodeRebootStatus;
  /** Of the NodeReboot. */
  annotations?: Record<string, string>;
  node?: Partial<NodeView>;
  slot?: Partial<Slot>;
  pods?: readonly Pod[];
}

/** An attempt before its reboot is requested, under a policy that does not halt for it. */
export function inFlight(flight: Flight = {}): Given {
  const { spec = {}, attempt, asks, agent, status, annotations, node, slot, pods = [], answers, ...given } = flight;
  const nodeReboot = aNodeReboot(
    'n1',
    { attempt: anAttempt('n1', spec, attempt), prepare: { attemptID: ID }, ...asks },
    { ...status, agent: { ...required(), prepared: { attemptID: ID, able: true }, ...agent } },
  );
  return {
    nodes: [aNode('n1', node ?? cordonedFor(ID)), SPARE],
    nodeReboots: [annotated(nodeReboot, annotations)],
    policies: [aPolicy({ failure: { maxFailed: 9 }, ...spec })],
    slots: [aSlot('n1', slot)],
    answers: { ...everythingRead(pods), ...answers },
    ...given,
  };
}

/** An attempt whose reboot the agent has accepted. */
export function accepted(flight: Flight = {}): Given {
  const { agent, asks, slot, ...others } = flight;
  return inFlight({
    asks: { reboot: aRequest(), ...asks },
    agent: { accepted: ID, ...agent },
    slot: { requested: 'nrb-of-n1', ...slot },
    ...others,
  });
}

/** An attempt whose node has rebooted and is well. */
export function rebooted(flight: Flight = {}): Given {
  const { agent, node, ...others } = flight;
  return accepted({
    agent: { bootID: 'boot-2-of-n1', rebootRequired: false, ...agent },
    node: { ...cordonedFor(ID), bootID: 'boot-2-of-n1', ...node },
    ...others,
  });
}

export function aRequest(baseline: object = {}) {
  const before = '2026-11-02T11:50:00Z';
  return {
    attemptID: ID,
    fromBootID: 'boot-1-of-n1',
    nodeRebootUID: 'nrb-of-n1',
    delaySeconds: 0,
    timeoutSeconds: 600,
    baseline: { lastHeartbeatTime: before, leaseRenewTime: before, ...baseline },
  };
}

export function annotated(nodeReboot: NodeReboot, annotations: Record<string, string> | undefined): NodeReboot {
  return annotations === undefined ? nodeReboot : { ...nodeReboot, metadata: { ...nodeReboot.metadata, annotations } };
}

function everythingRead(pods: readonly Pod[]): Partial<Answers> {
  return {
    gates: new Map([[ID, null]]),
    pods: new Map([['n1', pods]]),
    podsFresh: new Set(['n1']),
    nodeFresh: new Set(['n1']),
    leases: new Map([['n1', '2026-11-02T11:59:55Z']]),
  };
}

/** The one step of some kind among steps. */
export function theStep<K extends Step['kind']>(steps: readonly Step[], kind: K): Extract<Step, { kind: K }> {
  const found = steps.filter((step) => step.kind === kind);
  if (found.length !== 1) throw new Error(`there are ${found.length} steps ${kind}, not one`);
  return found[0] as Extract<Step, { kind: K }>;
}

/** A timer that has run for so many seconds when a decision is made. */
export function running(name: string, seconds: number): ReadonlyMap<string, number> {
  return new Map([[name, 1_000_000 - seconds * 1_000]]);
}
