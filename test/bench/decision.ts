/** How long one decision takes in a cluster of the greatest size that Kubernetes supports. */

import { decide } from '../../src/core/decide.ts';
import type { Snapshot } from '../../src/core/model.ts';
import { Timers } from '../../src/core/timers.ts';
import {
  aNode,
  aNodeReboot,
  anAttempt,
  aPolicy,
  aSlot,
  aSnapshot,
  cordonedFor,
  NOON,
  required,
} from '../support/cluster.ts';
import { percentile } from './figures.ts';
import { type Bench, below, type Row } from './report.ts';

const NODES = 5_000;
const POLICIES = 20;
const IN_FLIGHT = 10;
const WARM_UP = 10;
const SAMPLES = 50;
const GOAL_MS = 50;

export const decision: Bench = {
  name: 'decision',
  about: `decide() for ${NODES} nodes under ${POLICIES} policies`,
  run: async (say) => {
    const rows = [
      rowOf('nothing to do', cluster(false)),
      rowOf('all nodes pending', cluster(true)),
      rowOf('all nodes pending and the window almost over', cluster(true, Date.parse('2026-11-02T16:55:00Z'))),
    ];
    for (const { what, drydock } of rows) say(`${what}: ${drydock}`);
    return rows;
  },
};

function rowOf(what: string, snapshot: Snapshot): Row {
  const once = () => {
    const started = performance.now();
    decide(snapshot, new Timers(new Map(), snapshot.mono));
    return performance.now() - started;
  };
  for (let i = 0; i < WARM_UP; i += 1) once();
  const samples = Array.from({ length: SAMPLES }, once);
  const [p50, p99] = [percentile(samples, 0.5), percentile(samples, 0.99)];
  return {
    what: `one decision, ${NODES} nodes, ${POLICIES} policies, ${what}`,
    drydock: `median ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
    goal: below(GOAL_MS, p50, ' ms'),
  };
}

/** Each policy has a pool, a window and a share of the nodes; if they are pending, some are being rebooted as well. */
function cluster(pending: boolean, now = NOON): Snapshot {
  const names = Array.from({ length: NODES }, (_, i) => `node-${String(i).padStart(4, '0')}`);
  const inFlight = new Set(pending ? names.slice(0, IN_FLIGHT) : []);
  const poolOf = (i: number) => `pool-${i % POLICIES}`;
  const schedule = {
    timeZone: 'Europe/Berlin',
    windows: [
      { cron: '0 8 * * MON-FRI', duration: '10h' },
      { cron: '0 22 * * SAT', duration: '6h' },
    ],
    freezes: [{ from: '2026-12-20T00:00:00Z', until: '2027-01-04T00:00:00Z', reason: 'end of the year' }],
  };
  return aSnapshot({
    nodes: names.map((name, i) =>
      aNode(name, {
        labels: { pool: poolOf(i), 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': name },
        ...(inFlight.has(name) ? cordonedFor(`attempt-of-${name}`) : {}),
      }),
    ),
    nodeReboots: names.map((name) => {
      const attempt = anAttempt(name);
      const spec = inFlight.has(name) ? { attempt, prepare: { attemptID: attempt.id } } : {};
      return aNodeReboot(name, spec, pending ? { agent: agentOf(name) } : {});
    }),
    policies: Array.from({ length: POLICIES }, (_, i) =>
      aPolicy({ nodeSelector: { matchLabels: { pool: poolOf(i) } }, schedule }, poolOf(i)),
    ),
    slots: [...inFlight].map((name, i) => aSlot(name, { policyUID: `policy-${poolOf(i)}` })),
    maxDisrupted: IN_FLIGHT + 1,
    answers: { nodesFresh: true },
    now,
  });
}

function agentOf(name: string) {
  return { bootID: `boot-1-of-${name}`, nodeUID: `uid-of-${name}`, version: '0.1.0', ...required() };
}
