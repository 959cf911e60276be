import type { AlertRules, AlertSelector } from '../../api/generated/rebootpolicy.ts';
import { type AlertLabels, anyOf, validateAlerts } from './alertSelectors.ts';
import { clean, type GateVerdict, type Quote, unanswered } from './gateVerdict.ts';
import { readSamples } from './prometheusAnswer.ts';

/** An alert that blocks, with the labels that tell people which one it is. */
export interface BlockingAlert {
  name: string;
  state: string;
  labels: AlertLabels;
}

/** As in the resource definition: the alerts that are meant to fire always. */
const DEFAULT_IGNORE: readonly AlertSelector[] = [{ name: '^(Watchdog|InfoInhibitor)$' }];
const LABELS = ['severity', 'namespace'];
const NAMED_AT_MOST = 10;

/**
 * What Prometheus' answer to the instant query `ALERTS` means for a policy: why it blocks, or null when it does not.
 * An answer that is not understood, or that Prometheus itself calls incomplete, blocks.
 */
export function judgeAlerts(body: string, rules: AlertRules, quote: Quote = clean): GateVerdict | null {
  const problem = validateAlerts(rules)[0];
  if (problem !== undefined) return unanswered(problem);
  const alerts = readAlerts(body, rules, quote);
  if (typeof alerts === 'string') return unanswered(alerts);
  return alerts.length === 0 ? null : { code: 'ActiveAlerts', message: describe(alerts, quote) };
}

/** The alerts that block; a sentence when the answer is not understood. */
export function readAlerts(body: string, rules: AlertRules, quote: Quote = clean): BlockingAlert[] | string {
  const samples = readSamples(body, quote);
  if (typeof samples === 'string') return samples;
  const { match = [], ignore = DEFAULT_IGNORE, firingOnly = false } = rules;
  const [wanted, ignored] = [anyOf(match), anyOf(ignore)];
  return samples
    .filter(({ value }) => Number(value[1]) !== 0)
    .filter(({ metric }) => !(firingOnly && metric.alertstate === 'pending'))
    .filter(({ metric }) => (match.length === 0 || wanted(metric)) && !ignored(metric))
    .map(({ metric }) => ({
      name: metric.alertname ?? '',
      state: metric.alertstate ?? 'unknown',
      labels: few(metric),
    }));
}

function few(metric: AlertLabels): AlertLabels {
  return Object.fromEntries(LABELS.flatMap((label) => (metric[label] === undefined ? [] : [[label, metric[label]]])));
}

function describe(alerts: readonly BlockingAlert[], quote: Quote): string {
  const texts = alerts.map(({ name, state, labels }) => {
    const details = [state, ...Object.entries(labels).map(([label, value]) => `${label}=${value}`)];
    return quote(`${name} (${details.join(', ')})`);
  });
  const named = [...new Set(texts)].sort();
  const others = named.length > NAMED_AT_MOST ? ' and others' : '';
  return `Alerts are active: ${named.slice(0, NAMED_AT_MOST).join(', ')}${others}.`;
}
