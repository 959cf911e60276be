import type { AlertLabels } from './alertSelectors.ts';
import type { Quote } from './gateVerdict.ts';

/** An element of an instant vector. */
export interface Sample {
  metric: AlertLabels;
  /** Unix seconds, and the value as Prometheus writes it. */
  value: [number, string];
}

/**
 * Reads Prometheus' answer to an instant query for alerts.
 *
 * @returns its samples; or a sentence when it is not understood, or when Prometheus itself calls it incomplete
 */
export function readSamples(body: string, quote: Quote): readonly Sample[] | string {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return `Prometheus' answer is not JSON: "${quote(body)}".`;
  }
  if (!isRecord(answer)) return "Prometheus' answer is not understood: it is not an object.";
  const { status, error, warnings, data } = answer;
  if (status !== 'success') return `Prometheus could not answer: ${quote(String(error ?? 'it gave no reason'))}.`;
  if (warnings !== undefined && warnings !== null && !(Array.isArray(warnings) && warnings.length === 0)) {
    return `Prometheus' answer may be incomplete: ${quote(String(Array.isArray(warnings) ? warnings[0] : warnings))}.`;
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
