import { RE2JS, RE2JSException } from 're2js';
import type { AlertRules, AlertSelector, LabelMatcher } from '../../api/generated/rebootpolicy.ts';

/** The labels of an alert, among them `alertname` and `alertstate`. */
export type AlertLabels = Readonly<Record<string, string>>;

/** Whether a selector means the alert with these labels. */
export type Selects = (labels: AlertLabels) => boolean;

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** What is wrong with the selectors, in sentences that tell a person what to do; empty when nothing is. */
export function validateAlerts({ match = [], ignore = [] }: AlertRules): string[] {
  return [...match, ...ignore].flatMap(({ name, labels = [] }) => [
    ...(name === undefined && labels.length === 0 ? [EMPTY] : []),
    ...(name === undefined ? [] : problemsOfName(name)),
    ...labels.flatMap(problemsOfLabel),
  ]);
}

/** Whether any of the selectors, which must be valid, means an alert. */
export function anyOf(selectors: readonly AlertSelector[]): Selects {
  const all = selectors.map(compile);
  return (labels) => all.some((selects) => selects(labels));
}

/** All that a selector says must hold. Names are searched for a match; labels are compared as PromQL compares them. */
function compile({ name, labels = [] }: AlertSelector): Selects {
  const pattern = name === undefined ? null : RE2JS.compile(name);
  const conditions = labels.map(compileLabel);
  return (alert) =>
    (pattern === null || pattern.matcher(alert.alertname ?? '').find()) &&
    conditions.every((condition) => condition(alert));
}

/**
 * As in Prometheus: an absent label is the empty string; a regular expression has to match the whole value, and a dot
 * in it matches every character. https://prometheus.io/docs/prometheus/latest/querying/basics/#instant-vector-selectors
 */
function compileLabel({ name, operator, value }: LabelMatcher): Selects {
  const labelOf = (labels: AlertLabels) => (Object.hasOwn(labels, name) ? (labels[name] ?? '') : '');
  if (operator === '=') return (labels) => labelOf(labels) === value;
  if (operator === '!=') return (labels) => labelOf(labels) !== value;
  const pattern = RE2JS.compile(value, RE2JS.DOTALL);
  const wanted = operator === '=~';
  return (labels) => pattern.matcher(labelOf(labels)).matches() === wanted;
}

const EMPTY = 'An alert selector is empty, which would match every alert: say which by name, by labels, or by both.';
const NO_NAME = 'The name of an alert selector is empty, which would match every alert: write a regular expression.';
const OPERATORS: readonly string[] = ['=', '!=', '=~', '!~'];

function problemsOfName(name: string): string[] {
  return name === '' ? [NO_NAME] : problemsOfPattern('alert selector', name);
}

function problemsOfLabel({ name, operator, value }: LabelMatcher): string[] {
  if (!LABEL_NAME.test(name)) {
    return [
      `${JSON.stringify(name)} is no name of a label: write letters, digits and underscores, not beginning with a digit.`,
    ];
  }
  if (!OPERATORS.includes(operator)) {
    return [`${JSON.stringify(operator)} does not compare the label ${name} with anything: write =, !=, =~ or !~.`];
  }
  if (typeof value !== 'string') return [`The label ${name} is compared with nothing: write a value.`];
  return operator === '=~' || operator === '!~' ? problemsOfPattern(`value of the label ${name},`, value) : [];
}

function problemsOfPattern(what: string, pattern: string): string[] {
  try {
    RE2JS.compile(pattern);
    return [];
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const why = error.message.replace(/^error parsing regexp: /, '');
    return [`The ${what} ${JSON.stringify(pattern)} is no regular expression in RE2 syntax (${why}): mend it.`];
  }
}
