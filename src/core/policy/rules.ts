import type { Gates, LabelSelector, RebootPolicySpec, Schedule } from '../../api/generated/rebootpolicy.ts';
import type { Attempt } from '../steps.ts';
import { InvalidDuration, parseDuration } from './duration.ts';
import { validatePrometheus } from './prometheus.ts';
import { validateSchedule } from './schedule.ts';
import { InvalidShare, readShare, type Share } from './share.ts';

/** A policy's spec with every default filled in and every duration in milliseconds. */
export interface Rules {
  mode: RebootPolicySpec['mode'];
  approval: NonNullable<RebootPolicySpec['approval']>;
  otherRebooters: NonNullable<RebootPolicySpec['otherRebooters']>;
  settleMs: number;
  maxUnavailable: Share;
  /** Empty for no limit by topology. */
  topologyKey: string;
  minIntervalMs: number;
  allowLastNode: boolean;
  schedule: Schedule;
  expectedDurationMs: number;
  gates: Gates;
  recheckTimeoutMs: number;
  drain: DrainRules;
  rebootDelayMs: number;
  rebootTimeoutMs: number;
  readyTimeoutMs: number;
  daemonSets: boolean;
  soakMs: number;
  backoff: BackoffRules;
  maxFailed: number;
}

export interface DrainRules {
  timeoutMs: number;
  /** Null for each pod's own. */
  gracePeriodSeconds: number | null;
  deleteEmptyDirData: boolean;
  force: boolean;
  podSelector: LabelSelector;
  /** How long a pod that is being deleted is waited for; 0 for until it is gone. */
  skipWaitMs: number;
  onTimeout: 'Abort' | 'Delete' | 'Reboot';
  maxParallelEvictions: number;
}

export interface BackoffRules {
  firstMs: number;
  maxMs: number;
}

/**
 * Reads a spec. The API server has filled the defaults in; they are repeated here for the copies that attempts carry
 * and for objects stored before a field was added.
 *
 * @throws InvalidDuration when a duration that slipped past the CRD cannot be read
 * @throws InvalidShare when `disruption.maxUnavailable` did
 */
function rulesOf(spec: RebootPolicySpec): Rules {
  const { mode, approval, otherRebooters, settle } = { ...SPEC, ...spec };
  const disruption = { ...DISRUPTION, ...spec.disruption };
  const verification = { ...VERIFICATION, ...spec.verification };
  const reboot = { ...REBOOT, ...spec.reboot };
  const { schedule = {}, gates = {} } = spec;
  return {
    ...{ mode, approval, otherRebooters, schedule, gates },
    settleMs: parseDuration(settle),
    maxUnavailable: readShare(disruption.maxUnavailable),
    topologyKey: disruption.topologyKey,
    minIntervalMs: parseDuration(disruption.minInterval),
    allowLastNode: disruption.allowLastNode,
    expectedDurationMs: parseDuration(schedule.expectedDuration ?? '15m'),
    recheckTimeoutMs: parseDuration(gates.recheckTimeout ?? '10m'),
    drain: drainRules(spec),
    rebootDelayMs: parseDuration(reboot.delay),
    rebootTimeoutMs: parseDuration(reboot.timeout),
    readyTimeoutMs: parseDuration(verification.readyTimeout),
    daemonSets: verification.daemonSets,
    soakMs: parseDuration(verification.soak),
    ...failureRules(spec),
  };
}

const SPEC = { approval: 'Automatic', otherRebooters: 'Refuse', settle: '5m' } as const;
const DISRUPTION = { maxUnavailable: 1, topologyKey: '', minInterval: '0s', allowLastNode: false };
const DRAIN = {
  timeout: '30m',
  gracePeriodSeconds: null,
  deleteEmptyDirData: true,
  force: false,
  podSelector: {},
  skipWaitForDeleteTimeout: '0s',
  onTimeout: 'Abort',
  maxParallelEvictions: 20,
} as const;
const REBOOT = { delay: '0s', timeout: '30m' };
const VERIFICATION = { readyTimeout: '10m', daemonSets: true, soak: '0s' };
const BACKOFF = { first: '1m', max: '1h' };

function drainRules({ drain }: RebootPolicySpec): DrainRules {
  const { timeout, skipWaitForDeleteTimeout, ...others } = { ...DRAIN, ...drain };
  return { ...others, timeoutMs: parseDuration(timeout), skipWaitMs: parseDuration(skipWaitForDeleteTimeout) };
}

function failureRules({ failure = {} }: RebootPolicySpec): Pick<Rules, 'backoff' | 'maxFailed'> {
  const { first, max } = { ...BACKOFF, ...failure.backoff };
  return {
    backoff: { firstMs: parseDuration(first), maxMs: parseDuration(max) },
    maxFailed: failure.maxFailed ?? 1,
  };
}

/** What a policy asks for where it says nothing. */
export const DEFAULTS: Rules = rulesOf({ nodeSelector: {}, mode: 'Report' });

/**
 * Reads a spec that may be damaged or wrong.
 *
 * @returns its rules, or null and what is wrong with it, each in a sentence that says what to do
 */
export function readRules(spec: RebootPolicySpec): { rules: Rules | null; problems: readonly string[] } {
  try {
    const rules = rulesOf(spec);
    const { prometheus } = rules.gates;
    const problems = [...validateSchedule(rules.schedule), ...(prometheus ? validatePrometheus(prometheus) : [])];
    return { rules: problems.length === 0 ? rules : null, problems };
  } catch (error) {
    if (error instanceof InvalidDuration || error instanceof InvalidShare)
      return { rules: null, problems: [error.message] };
    return { rules: null, problems: [`the policy is damaged: ${error instanceof Error ? error.message : error}`] };
  }
}

/** The rules that an attempt runs under; null when its copy of the policy was damaged by hand. */
export function frozenRules({ policy }: Attempt): Rules | null {
  return readRules(policy.spec as unknown as RebootPolicySpec).rules;
}
