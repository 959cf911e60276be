import type { PrometheusGate as Config } from '../api/generated/rebootpolicy.ts';
import { clean, type GateVerdict, judgeAlerts, unanswered } from '../core/policy/alerts.ts';
import type { HttpClient } from '../platform/httpClient.ts';

const TIMEOUT_MS = 10_000;

/** Asks Prometheus which alerts are active. What is not a plain answer closes the gate. */
export class PrometheusGate {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /** Why the gate is closed; null when it is open. It never rejects. */
  async ask({ url, alerts = {} }: Config): Promise<GateVerdict | null> {
    const query = `${url.replace(/\/+$/, '')}/api/v1/query?query=ALERTS`;
    try {
      const headers = { accept: 'application/json' };
      const { status, body } = await this.#http.request({ method: 'GET', url: query, headers, timeoutMs: TIMEOUT_MS });
      if (status === 200) return judgeAlerts(body, alerts);
      return unanswered(`Prometheus answered with status ${status}${excerpt(body)}.`);
    } catch (error) {
      return unanswered(
        `Prometheus could not be asked: ${clean(error instanceof Error ? error.message : String(error))}.`,
      );
    }
  }
}

function excerpt(body: string): string {
  const text = clean(body.slice(0, 1000));
  return text === '' ? '' : `: "${text}"`;
}
