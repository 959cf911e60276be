import type { Progress } from '../attempt/progress.ts';
import type { NodeReboot } from '../model.ts';
import type { Phase } from '../steps.ts';
import type { Said } from './conditions.ts';
import { cut, LONGEST_MESSAGE } from './text.ts';

/** The phases of an attempt in their order, so that "further than" can be asked. */
const ORDER: readonly Phase[] = [
  'Idle',
  'Pending',
  'Preparing',
  'Cordoning',
  'Draining',
  'Rebooting',
  'Verifying',
  'Uncordoning',
];

/**
 * The steps of a reboot as conditions, so that each has a time that people can read. Between attempts they tell how
 * far the last one came.
 */
export function stepConditions(nodeReboot: NodeReboot, progress: Progress | undefined): Said[] {
  const { status, spec } = nodeReboot;
  const agent = status?.agent;
  const required = agent?.rebootRequired === true;
  const conditions: Said[] = [
    said(
      'RebootRequired',
      required,
      required ? 'Sentinel' : 'NoSentinel',
      required ? because(agent?.reasons) : 'The agent sees no sentinel.',
    ),
  ];
  const attemptID = spec.attempt?.id;
  const last = status?.history?.[0];
  if (attemptID === undefined && last?.outcome === 'Rebooted') return [...conditions, ...allSteps(last.attemptID)];
  if (attemptID === undefined || progress === undefined) return [...conditions, ...kept(nodeReboot)];
  const reached = (phase: Phase) => ORDER.indexOf(progress.phase) > ORDER.indexOf(phase);
  const accepted = agent?.accepted === attemptID;
  const ending = spec.attempt?.ending !== undefined;
  if (ending || progress.phase === 'Failed') return [...conditions, ...kept(nodeReboot)];
  return [
    ...conditions,
    step('Prepared', agent?.prepared?.attemptID === attemptID && agent.prepared.able, attemptID),
    step('Cordoned', reached('Cordoning'), attemptID),
    step('Drained', reached('Draining'), attemptID),
    step('Accepted', accepted, attemptID),
    step('Rebooted', accepted && reached('Rebooting'), attemptID),
    step('Verified', accepted && reached('Verifying'), attemptID),
  ];
}

/** The last steps follow each other too fast to be written one by one. */
function allSteps(attemptID: string): Said[] {
  return [...STEPS].map((type) => step(type, true, attemptID));
}

const STEPS = new Set(['Prepared', 'Cordoned', 'Drained', 'Accepted', 'Rebooted', 'Verified']);

function kept({ status }: NodeReboot): Said[] {
  return (status?.conditions ?? [])
    .filter(({ type }) => STEPS.has(type))
    .map(({ type, status: holds, reason, message }) => ({ type, status: holds, reason, message }));
}

function step(type: string, done: boolean, attemptID: string): Said {
  return said(type, done, done ? 'Done' : 'NotYet', `Attempt ${attemptID}.`);
}

function because(reasons: readonly string[] | undefined): string {
  const names = (reasons ?? []).slice(0, 10);
  return names.length === 0
    ? 'The agent sees the sentinel.'
    : `The agent sees the sentinel, because of ${names.join(', ')}.`;
}

function said(type: string, holds: boolean, reason: string, message: string): Said {
  return { type, status: holds ? 'True' : 'False', reason, message: cut(message, LONGEST_MESSAGE) };
}
