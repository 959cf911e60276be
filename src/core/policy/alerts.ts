import { RE2JS, RE2JSException } from 're2js';
import type { AlertRules, AlertSelector } from '../../api/generated/rebootpolicy.ts';

/** Why a gate is closed. */
export interface GateVerdict {
  code: 'ActiveAlerts' | 'GateUnanswered';
  /** A sentence for people; what others have sent is in it only cut and cleaned. */
  message: string;
}

/** An alert that blocks, with the labels that tell people which one it is. */
export interface BlockingAlert {
  name: string;
  state: string;
  labels: Readonly<Record<string, string>>;
}

interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

/** As in the resource definition: the alerts that are meant to fire always. */
const DEFAULT_IGNORE: readonly AlertSelector[] = [{ name: '^(Watchdog|InfoInhibitor)$' }];
const LABELS = ['severity', 'namespace'];
const NAMED_AT_MOST = 10;
const TEXT_AT_MOST = 120;

/** What is wrong with the rules, in sentences that tell a person what to do; empty when nothing is. */
export function validateAlerts(rules: AlertRules): string[] {
  return [...(rules.match ?? []), ...(rules.ignore ?? [])].flatMap(({ name }) => {
    if (name === '') return ['An alert selector is empty, which would match every alert: write a regular expression.'];
    try {
      RE2JS.compile(name);
      return [];
    } catch (error) {
      if (!(error instanceof RE2JSException)) throw error;
      const why = error.message.replace(/^error parsing regexp: /, '');
      return [`The alert selector ${JSON.stringify(name)} is no regular expression in RE2 syntax (${why}): mend it.`];
    }
  });
}

/**
 * What Prometheus' answer to the instant query `ALERTS` means for a policy: why it blocks, or null when it does not.
 * An answer that is not understood, or that Prometheus itself calls incomplete, blocks.
 */
export function judgeAlerts(body: string, rules: AlertRules): GateVerdict | null {
  const problem = validateAlerts(rules)[0];
  if (problem !== undefined) return unanswered(problem);
  const alerts = readAlerts(body, rules);
  if (typeof alerts === 'string') return unanswered(alerts);
  return alerts.length === 0 ? null : { code: 'ActiveAlerts', message: describe(alerts) };
}

/** A gate that cannot be asked blocks, and says why. */
export function unanswered(message: string): GateVerdict {
  return { code: 'GateUnanswered', message };
}

/** Text from outside, fit for a status: one line of at most 120 characters, without control and format characters. */
export function clean(text: string): string {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return line.length > TEXT_AT_MOST ? `${line.slice(0, TEXT_AT_MOST - 1).trimEnd()}…` : line;
}

/** The alerts that block; a sentence when the answer is not understood. */
export function readAlerts(body: string, rules: AlertRules): BlockingAlert[] | string {
  const samples = readSamples(body);
  if (typeof samples === 'string') return samples;
  const { match = [], ignore = DEFAULT_IGNORE, firingOnly = false } = rules;
  const [wanted, ignored] = [compile(match), compile(ignore)];
  return samples
    .filter(({ value }) => Number(value[1]) !== 0)
    .map(({ metric }) => ({ name: metric.alertname ?? '', state: metric.alertstate ?? 'unknown', labels: few(metric) }))
    .filter(({ state }) => !(firingOnly && state === 'pending'))
    .filter(({ name }) => (match.length === 0 || wanted(name)) && !ignored(name));
}

function compile(selectors: readonly AlertSelector[]): (name: string) => boolean {
  const patterns = selectors.map(({ name }) => RE2JS.compile(name));
  return (name) => patterns.some((pattern) => pattern.matcher(name).find());
}

function few(metric: Record<string, string>): Record<string, string> {
  return Object.fromEntries(LABELS.flatMap((label) => (metric[label] === undefined ? [] : [[label, metric[label]]])));
}

function describe(alerts: readonly BlockingAlert[]): string {
  const texts = alerts.map(({ name, state, labels }) => {
    const details = [state, ...Object.entries(labels).map(([label, value]) => `${label}=${value}`)];
    return clean(`${name} (${details.join(', ')})`);
  });
  const named = [...new Set(texts)].sort();
  const others = named.length > NAMED_AT_MOST ? ' and others' : '';
  return `Alerts are active: ${named.slice(0, NAMED_AT_MOST).join(', ')}${others}.`;
}

function readSamples(body: string): Sample[] | string {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return `Prometheus' answer is not JSON: "${clean(body.slice(0, 1000))}".`;
  }
  if (!isRecord(answer)) return "Prometheus' answer is not understood: it is not an object.";
  const { status, error, warnings, data } = answer;
  if (status !== 'success') return `Prometheus could not answer: ${clean(String(error ?? 'it gave no reason'))}.`;
  if (Array.isArray(warnings) && warnings.length > 0) {
    return `Prometheus' answer may be incomplete: ${clean(String(warnings[0]))}.`;
  }
  if (!isRecord(data) || data.resultType !== 'vector' || !Array.isArray(data.result)) {
    return "Prometheus' answer is not understood: it holds no vector.";
  }
  if (!data.result.every(isSample)) return "Prometheus' answer is not understood: a sample in it is no alert.";
  return data.result;
}

function isSample(sample: unknown): sample is Sample {
  if (!isRecord(sample) || !isRecord(sample.metric) || !Array.isArray(sample.value)) return false;
  const isText = (value: unknown) => typeof value === 'string';
  const number = sample.value[1];
  return (
    Object.values(sample.metric).every(isText) &&
    Boolean(sample.metric.alertname) &&
    typeof number === 'string' &&
    /^([+-]?(\d|\.\d)|[+-]?Inf|NaN)/.test(number)
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
