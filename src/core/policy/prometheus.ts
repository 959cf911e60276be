import type { PrometheusAuth, PrometheusGate, SecretKeyRef } from '../../api/generated/rebootpolicy.ts';
import { validateAlerts } from './alertSelectors.ts';
import { parseDuration } from './duration.ts';

const DEFAULT_TIMEOUT = '10s';
const SHORTEST_TIMEOUT_MS = 1_000;
const LONGEST_TIMEOUT_MS = 60_000;
/** As in the resource definition. */
const URL_FORM = /^https?:\/\/[A-Za-z0-9._:[\]-]+(\/[^?#@ ]*)?$/;
const SECRET_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SECRET_KEY = /^[-._a-zA-Z0-9]+$/;
const NAME_AT_MOST = 253;
/** Addresses and no names: it is certain that what is sent there does not leave the pod. */
const LOOPBACK: readonly string[] = ['127.0.0.1', '[::1]'];

/**
 * What is wrong with a gate, in sentences that tell a person what to do; empty when nothing is. The resource
 * definition says the same, but an object may be older than it.
 *
 * @throws InvalidDuration when the timeout is none
 */
export function validatePrometheus(gate: PrometheusGate): string[] {
  const { url, auth, tls, alerts = {} } = gate;
  return [
    ...problemsOfURL(gate),
    ...(auth === undefined ? [] : problemsOfAuth(auth)),
    ...(tls?.caSecret === undefined ? [] : problemsOfCA(tls.caSecret, url)),
    ...problemsOfTimeout(prometheusTimeoutMs(gate)),
    ...validateAlerts(alerts),
  ];
}

/**
 * How long Prometheus may take for its whole answer, milliseconds.
 *
 * @throws InvalidDuration
 */
export function prometheusTimeoutMs({ timeout = DEFAULT_TIMEOUT }: PrometheusGate): number {
  return parseDuration(timeout);
}

function problemsOfURL({ url, auth }: PrometheusGate): string[] {
  if (!URL_FORM.test(url) || !URL.canParse(url)) {
    return [
      'The URL of Prometheus must begin with http:// or https:// and name a host, without credentials, query or fragment.',
    ];
  }
  const { protocol, hostname } = new URL(url);
  if (sendsCredentials(auth) && protocol !== 'https:' && !LOOPBACK.includes(hostname)) {
    return [
      'Credentials are sent to Prometheus over https:// only, so that nobody on the way reads them: change the URL, or leave auth out.',
    ];
  }
  return [];
}

function sendsCredentials(auth: PrometheusAuth | undefined): boolean {
  return auth !== undefined && auth.type !== 'None';
}

function problemsOfAuth({ type, secretName }: PrometheusAuth): string[] {
  if (!['None', 'Bearer', 'Basic'].includes(type)) {
    return [`${JSON.stringify(type)} is no type of auth for Prometheus: write None, Bearer or Basic.`];
  }
  if (type === 'None') {
    return secretName === undefined
      ? []
      : ['Auth of type None sends no credentials to Prometheus: remove secretName, or choose Bearer or Basic.'];
  }
  if (secretName === undefined) return [`Auth of type ${type} for Prometheus needs secretName: name a Secret.`];
  return isName(secretName, SECRET_NAME) ? [] : [`${JSON.stringify(secretName)} is no name of a Secret: mend it.`];
}

function problemsOfCA({ name, key }: SecretKeyRef, url: string): string[] {
  return [
    ...(isName(name, SECRET_NAME) ? [] : [`${JSON.stringify(name)} is no name of a Secret: mend it.`]),
    ...(key === undefined || isName(key, SECRET_KEY) ? [] : [`${JSON.stringify(key)} is no key of a Secret: mend it.`]),
    ...(url.startsWith('http://')
      ? ['tls.caSecret has no meaning for http://: change the URL of Prometheus to https://, or leave tls out.']
      : []),
  ];
}

function isName(text: string, form: RegExp): boolean {
  return text.length <= NAME_AT_MOST && form.test(text);
}

function problemsOfTimeout(timeoutMs: number): string[] {
  return timeoutMs >= SHORTEST_TIMEOUT_MS && timeoutMs <= LONGEST_TIMEOUT_MS
    ? []
    : ['The timeout of the Prometheus gate must be from 1s to 60s.'];
}
