import type { Gates, RebootPolicySpec, Schedule } from '../../api/generated/rebootpolicy.ts';
import type { Attempt } from '../steps.ts';
import { validateAlerts } from './alerts.ts';
import { InvalidDuration, parseDuration } from './duration.ts';
import { validateSchedule } from './schedule.ts';

/** A policy's spec with every default filled in and every duration in milliseconds. */
export interface Rules {
  mode: RebootPolicySpec['mode'];
  settleMs: number;
  maxUnavailable: number;
  schedule: Schedule;
  gates: Gates;
  drain: { timeoutMs: number; gracePeriodSeconds: number | null; deleteEmptyDirData: boolean; force: boolean };
  rebootTimeoutMs: number;
  readyTimeoutMs: number;
}

/**
 * Reads a spec. The API server has filled the defaults in; they are repeated here for the copies that attempts carry
 * and for objects stored before a field was added.
 *
 * @throws InvalidDuration when a duration that slipped past the CRD cannot be read
 */
export function rulesOf(spec: RebootPolicySpec): Rules {
  const drain = spec.drain ?? {};
  return {
    mode: spec.mode,
    settleMs: parseDuration(spec.settle ?? '5m'),
    maxUnavailable: spec.disruption?.maxUnavailable ?? 1,
    schedule: spec.schedule ?? {},
    gates: spec.gates ?? {},
    drain: {
      timeoutMs: parseDuration(drain.timeout ?? '30m'),
      gracePeriodSeconds: drain.gracePeriodSeconds ?? null,
      deleteEmptyDirData: drain.deleteEmptyDirData ?? true,
      force: drain.force ?? false,
    },
    rebootTimeoutMs: parseDuration(spec.reboot?.timeout ?? '30m'),
    readyTimeoutMs: parseDuration(spec.verification?.readyTimeout ?? '10m'),
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
    const problems = [...validateSchedule(rules.schedule), ...validateAlerts(rules.gates.prometheus?.alerts ?? {})];
    return { rules: problems.length === 0 ? rules : null, problems };
  } catch (error) {
    if (error instanceof InvalidDuration) return { rules: null, problems: [error.message] };
    return { rules: null, problems: [`the policy is damaged: ${error instanceof Error ? error.message : error}`] };
  }
}

/** The rules that an attempt runs under; null when its copy of the policy was damaged by hand. */
export function frozenRules({ policy }: Attempt): Rules | null {
  return readRules(policy.spec as unknown as RebootPolicySpec).rules;
}
