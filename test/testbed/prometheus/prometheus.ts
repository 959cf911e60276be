/** A real Prometheus whose alerts fire and clear as a test says, without anything to scrape. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { NodeHttpClient } from '../../../src/platform/http.ts';
import type { HttpResponse } from '../../../src/platform/httpClient.ts';
import { binaries } from '../build.ts';
import { freePort } from '../process/ports.ts';
import { SupervisedProcess } from '../process/supervised.ts';

const START_TIMEOUT_MS = 30_000;
/** An evaluation comes every second. */
const ALERT_TIMEOUT_MS = 15_000;
const HTTP_TIMEOUT_MS = 5_000;

export interface PrometheusOptions {
  /** Rule groups as in a rules file, in addition to the alerts that `fire` makes. YAML. */
  rules?: string;
  /** Job name → targets to scrape every second, e.g. `{ drydock: ['127.0.0.1:20002'] }`. */
  scrape?: Record<string, string[]>;
  /** Has it serve over TLS, to one user. */
  web?: Web;
}

/** Certificates and keys in PEM. */
export interface Web {
  certificate: { cert: string; key: string };
  /** Whose certificate it is. */
  ca: string;
  user: { name: string; password: string; bcrypt: string };
}

/** An alert as `/api/v1/alerts` has it. */
export interface Alert {
  labels: Record<string, string>;
  state: 'pending' | 'firing';
}

export interface FireOptions {
  labels?: Record<string, string>;
  /** Leaves the alert pending: true, but not for long enough to fire. */
  pending?: boolean;
}

export class Prometheus {
  /** e.g. `http://127.0.0.1:20003` */
  readonly url: string;
  readonly #folder: string;
  readonly #web: Web | undefined;
  readonly #http = new NodeHttpClient();
  readonly #alerts = new Map<string, FireOptions>();
  #process: SupervisedProcess | undefined;

  private constructor(folder: string, port: number, web: Web | undefined) {
    this.#folder = folder;
    this.#web = web;
    this.url = `${web === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  }

  /** Starts a Prometheus with its state in `folder`, and waits until it is ready. */
  static async start(folder: string, options: PrometheusOptions = {}): Promise<Prometheus> {
    mkdirSync(folder, { recursive: true });
    const prometheus = new Prometheus(folder, await freePort(), options.web);
    writeFileSync(join(folder, 'prometheus.yaml'), stringify(configuration(options.scrape ?? {})));
    writeFileSync(join(folder, 'given.rules.yaml'), options.rules ?? '');
    if (options.web !== undefined) writeWeb(folder, options.web);
    prometheus.#writeAlerts();
    await prometheus.restart();
    return prometheus;
  }

  /** Starts it again, with what it knew, after `stop`; same URL. */
  async restart(): Promise<void> {
    if (this.#process?.running) throw new Error('Prometheus is already running');
    this.#process = await SupervisedProcess.start({
      name: 'prometheus',
      command: (await binaries()).prometheus,
      args: [
        `--config.file=${join(this.#folder, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(this.#folder, 'data')}`,
        `--web.listen-address=${new URL(this.url).host}`,
        ...(this.#web === undefined ? [] : [`--web.config.file=${join(this.#folder, 'web.yaml')}`]),
        // Lets us have it read its rules again.
        '--web.enable-lifecycle',
        '--log.level=warn',
      ],
      logFile: join(this.#folder, 'prometheus.log'),
    });
    await this.#running.waitUntil(
      '/-/ready',
      START_TIMEOUT_MS,
      async () => (await this.#send('/-/ready')).status === 200,
    );
  }

  /** Kills it; connections are refused afterwards. */
  async stop(): Promise<void> {
    await this.#process?.kill();
  }

  /** Stops it in its tracks (SIGSTOP): connections are accepted, and nothing is ever answered. */
  freeze(): void {
    this.#running.signal('SIGSTOP');
  }

  /** Lets a frozen one go on (SIGCONT). */
  thaw(): void {
    this.#running.signal('SIGCONT');
  }

  /** Has an alert fire (or pend), and waits until it does. One of the same name is replaced. */
  async fire(name: string, options: FireOptions = {}): Promise<void> {
    this.#alerts.set(name, options);
    await this.#reload();
    const wanted = options.pending === true ? 'pending' : 'firing';
    await this.#waitForAlerts(`alert ${name} ${wanted}`, (alerts) =>
      alerts.some(({ labels, state }) => labels.alertname === name && state === wanted),
    );
  }

  /** Ends an alert that `fire` has made, and waits until it is gone. */
  async clear(name: string): Promise<void> {
    if (!this.#alerts.delete(name)) throw new Error(`alert ${name} was not made by fire()`);
    await this.#reload();
    await this.#waitForAlerts(`end of alert ${name}`, (alerts) =>
      alerts.every(({ labels }) => labels.alertname !== name),
    );
  }

  /** Pending and firing alerts. */
  async alerts(): Promise<Alert[]> {
    return (await this.#json<{ alerts: Alert[] }>('/api/v1/alerts')).alerts;
  }

  /** The instant vector of a query. */
  async query(expression: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
    const path = `/api/v1/query?query=${encodeURIComponent(expression)}`;
    return (await this.#json<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(path)).result;
  }

  get #running(): SupervisedProcess {
    if (this.#process === undefined) throw new Error('Prometheus has not been started');
    return this.#process;
  }

  #writeAlerts(): void {
    const rules = [...this.#alerts].map(([name, { labels, pending }]) => ({
      alert: name,
      expr: 'vector(1)',
      labels: labels ?? {},
      // Longer than any test: the alert stays pending.
      ...(pending === true ? { for: '1d' } : {}),
    }));
    const groups = rules.length === 0 ? [] : [{ name: 'testbed', rules }];
    writeFileSync(join(this.#folder, 'testbed.rules.yaml'), stringify({ groups }));
  }

  async #reload(): Promise<void> {
    this.#writeAlerts();
    const response = await this.#send('/-/reload', 'POST');
    if (response.status !== 200) throw new Error(`Prometheus does not take its rules: ${response.body}`);
  }

  async #waitForAlerts(what: string, isTrue: (alerts: Alert[]) => boolean): Promise<void> {
    await this.#running.waitUntil(what, ALERT_TIMEOUT_MS, async () => isTrue(await this.alerts()));
  }

  async #json<T>(path: string): Promise<T> {
    const answer = JSON.parse((await this.#send(path)).body) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }

  #send(path: string, method: 'GET' | 'POST' = 'GET'): Promise<HttpResponse> {
    const request = { method, url: this.url + path, timeoutMs: HTTP_TIMEOUT_MS };
    if (this.#web === undefined) return this.#http.request(request);
    const { ca, user } = this.#web;
    const authorization = `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`;
    return this.#http.request({ ...request, headers: { authorization }, ca: [ca] });
  }
}

function writeWeb(folder: string, { certificate, user }: Web): void {
  writeFileSync(join(folder, 'web.crt'), certificate.cert);
  writeFileSync(join(folder, 'web.key'), certificate.key, { mode: 0o600 });
  const web = {
    tls_server_config: { cert_file: 'web.crt', key_file: 'web.key' },
    basic_auth_users: { [user.name]: user.bcrypt },
  };
  writeFileSync(join(folder, 'web.yaml'), stringify(web));
}

function configuration(scrape: Record<string, string[]>): object {
  return {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['*.rules.yaml'],
    scrape_configs: Object.entries(scrape).map(([job, targets]) => ({
      job_name: job,
      static_configs: [{ targets }],
    })),
  };
}
