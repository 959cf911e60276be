/** A replica of the controller, as a process of its own that tests start, kill, freeze and ask. */

import { join } from 'node:path';
import type { Identity } from '../cluster/identity.ts';
import { freePort } from '../process/ports.ts';
import { type Command, drydock } from '../process/program.ts';
import { type Exit, SupervisedProcess } from '../process/supervised.ts';
import type { ApiProxy } from '../proxy/proxy.ts';
import type { TestBed } from '../testbed.ts';
import { type LogLine, type LogPattern, matchesPattern, readLog } from './logs.ts';
import { parseMetrics, type Sample, sumOf } from './metrics.ts';

/** The controller's ServiceAccount; `installDrydock` makes it. */
export const controllerAccount = { namespace: 'drydock', name: 'drydock-controller' } as const;

/** It loads its libraries unbundled, which takes a second on an idle machine. */
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const HTTP_TIMEOUT_MS = 5_000;

export interface ControllerOptions {
  /** Its name in leader election and its log file's name. Default `controller-<n>`. */
  identity?: string;
  /** More arguments, e.g. `['--max-disrupted', '3']`. */
  args?: readonly string[];
  /** The door at which it asks the API server. Default: the API server itself. */
  proxy?: ApiProxy;
  /** Added to its environment. `POD_NAME` and `POD_NAMESPACE` are what it goes by, if they are there. */
  env?: Record<string, string>;
  /** The program that `controller` is an argument of. Default: Drydock from source. */
  program?: Command;
}

export class ControllerProcess {
  readonly identity: string;
  /** Where it serves /metrics, /healthz and /readyz, e.g. `http://127.0.0.1:20002`; the same for all its runs. */
  readonly url: string;
  /** All its runs write here. */
  readonly logFile: string;
  readonly #options: ControllerOptions;
  readonly #account: Identity;
  #process: SupervisedProcess | undefined;

  private constructor(bed: TestBed, identity: string, port: number, account: Identity, options: ControllerOptions) {
    this.identity = identity;
    this.url = `http://127.0.0.1:${port}`;
    this.logFile = join(bed.folder, `${identity}.log`);
    this.#account = account;
    this.#options = options;
  }

  /** Makes a replica that is not started yet. Needs `installDrydock`, for its account. */
  static async create(bed: TestBed, options: ControllerOptions = {}): Promise<ControllerProcess> {
    const port = await freePort();
    const identity = options.identity ?? `controller-${port}`;
    const account = await bed.serviceAccount(controllerAccount, undefined, options.proxy);
    const controller = new ControllerProcess(bed, identity, port, account, options);
    bed.onStop(() => controller.kill());
    return controller;
  }

  /** Starts it and waits until /healthz answers. */
  async start(): Promise<void> {
    if (this.running) throw new Error(`${this.identity} is already running`);
    const [program, ...first] = this.#options.program ?? drydock;
    this.#process = await SupervisedProcess.start({
      name: this.identity,
      command: program,
      args: [...first, 'controller', ...this.#arguments(), ...(this.#options.args ?? [])],
      ...(this.#options.env === undefined ? {} : { env: this.#options.env }),
      logFile: this.logFile,
    });
    await this.#process.waitUntil('/healthz', START_TIMEOUT_MS, async () => (await this.healthz()).status === 200);
  }

  get running(): boolean {
    return this.#process?.running === true;
  }

  /** The running process, or the last one. */
  get process(): SupervisedProcess {
    if (this.#process === undefined) throw new Error(`${this.identity} has not been started`);
    return this.#process;
  }

  /** Ends it at once (SIGKILL), in the middle of whatever it does. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Asks it to end (SIGTERM) and waits until it has. */
  stop(): Promise<Exit> {
    return this.process.terminate(STOP_TIMEOUT_MS);
  }

  /** Stops it in its tracks (SIGSTOP): it does not know that time passes, and its connections stay open. */
  freeze(): void {
    this.process.signal('SIGSTOP');
  }

  /** Lets a frozen controller go on (SIGCONT). */
  thaw(): void {
    this.process.signal('SIGCONT');
  }

  /** Lines of all its runs so far; `pattern` selects some. */
  log(pattern: LogPattern = () => true): LogLine[] {
    return readLog(this.logFile).filter((line) => matchesPattern(line, pattern));
  }

  /** The first line that matches, of those after the first `after` lines. Fails early if the controller ends. */
  async waitForLog(pattern: LogPattern, options: { timeoutMs: number; after?: number }): Promise<LogLine> {
    const find = (): LogLine | undefined =>
      this.log()
        .slice(options.after ?? 0)
        .find((line) => matchesPattern(line, pattern));
    // It may have written the line and ended.
    return find() ?? this.process.waitUntil(`a log line like ${pattern}`, options.timeoutMs, find);
  }

  healthz(): Promise<{ status: number; text: string }> {
    return this.#get('/healthz');
  }

  readyz(): Promise<{ status: number; text: string }> {
    return this.#get('/readyz');
  }

  /** All samples of its /metrics. */
  async metrics(): Promise<Sample[]> {
    const { status, text } = await this.#get('/metrics');
    if (status !== 200) throw new Error(`${this.url}/metrics: ${status} ${text}`);
    return parseMetrics(text);
  }

  /** The sum of the samples of that name with those labels; undefined if there are none. */
  async metric(name: string, labels?: Record<string, string>): Promise<number | undefined> {
    return sumOf(await this.metrics(), name, labels);
  }

  /** Waits until /readyz answers 200. */
  async waitUntilReady(timeoutMs = START_TIMEOUT_MS): Promise<void> {
    await this.process.waitUntil('/readyz', timeoutMs, async () => (await this.readyz()).status === 200);
  }

  #arguments(): string[] {
    return [
      ...['--kubeconfig', this.#account.kubeconfig],
      ...(this.#options.env?.POD_NAME === undefined ? this.#nameArguments() : []),
      ...['--metrics-listen', new URL(this.url).host],
    ];
  }

  #nameArguments(): string[] {
    return ['--namespace', controllerAccount.namespace, '--identity', this.identity];
  }

  async #get(path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(this.url + path, { signal: AbortSignal.timeout(HTTP_TIMEOUT_MS) });
    return { status: response.status, text: await response.text() };
  }
}
