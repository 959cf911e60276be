import type { PrometheusGate as Config } from '../api/generated/rebootpolicy.ts';
import { judgeAlerts } from '../core/policy/alerts.ts';
import { clean, type GateVerdict, type Quote, unanswered, withholding } from '../core/policy/gateVerdict.ts';
import { prometheusTimeoutMs, validatePrometheus } from '../core/policy/prometheus.ts';
import type { HttpClient, HttpResponse } from '../platform/httpClient.ts';
import { type Access, accessOf } from './access.ts';
import { type GateSecrets, UnusableSecret } from './gateSecrets.ts';

/** Asks Prometheus which alerts are active. What is not a plain answer closes the gate. */
export class PrometheusGate {
  readonly #http: HttpClient;
  readonly #secrets: GateSecrets;

  constructor(http: HttpClient, secrets: GateSecrets) {
    this.#http = http;
    this.#secrets = secrets;
  }

  /** Why the gate is closed; null when it is open. It never rejects. */
  async ask(config: Config): Promise<GateVerdict | null> {
    try {
      const problem = validatePrometheus(config)[0];
      if (problem !== undefined) return unanswered(problem);
      return await this.#askWith(config, await accessOf(config, this.#secrets));
    } catch (error) {
      return unanswered(error instanceof UnusableSecret ? error.message : unasked(error, clean));
    }
  }

  async #askWith(config: Config, { headers, ca, secrets }: Access): Promise<GateVerdict | null> {
    const quote = withholding(secrets);
    try {
      const response = await this.#http.request({
        method: 'GET',
        url: `${config.url.replace(/\/+$/, '')}/api/v1/query?query=ALERTS`,
        headers: { accept: 'application/json', ...headers },
        ...(ca === null ? {} : { ca }),
        timeoutMs: prometheusTimeoutMs(config),
      });
      return response.status === 200
        ? judgeAlerts(response.body, config.alerts ?? {}, quote)
        : unanswered(refusal(response, quote));
    } catch (error) {
      return unanswered(unasked(error, quote));
    }
  }
}

function unasked(error: unknown, quote: Quote): string {
  return `Prometheus could not be asked: ${quote(error instanceof Error ? error.message : String(error))}.`;
}

function refusal({ status, body }: HttpResponse, quote: Quote): string {
  const text = quote(body);
  const said = text === '' ? '' : `: "${text}"`;
  const followed = status >= 300 && status < 400 ? ' Redirects are not followed: give the URL to which it leads.' : '';
  return `Prometheus answered with status ${status}${said}.${followed}`;
}
