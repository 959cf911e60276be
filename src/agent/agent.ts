import { isConflict } from '../cluster/errors.ts';
import { type AgentMove, type AgentState, decideAgent, type Probe, reportKey, reportPatch } from '../core/agent.ts';
import type { NodeReboot } from '../core/model.ts';
import type { Clock, Random } from '../platform/clock.ts';
import { Wakeup } from '../platform/wakeup.ts';
import { errorFields, type Log } from '../telemetry/log.ts';
import type { NodeFacts, OwnNodeReboot, Rebooter, Sentinels } from './ports.ts';

export interface AgentOptions {
  own: OwnNodeReboot;
  node: NodeFacts;
  sentinels: Sentinels;
  rebooter: Rebooter;
  /** The Node's UID, from the node claim of the token in use. @throws when there is none */
  nodeUID: () => Promise<string>;
  version: string;
  clock: Clock;
  random: Random;
  log: Log;
}

/** Sentinels are looked at this often even if nothing is noticed. */
const POLL_MS = 60_000;
/** A report that does not stick, since a field of it is not kept, is repeated this often. */
const REPORT_AGAIN_MS = 60_000;
/** A rebooter that was not able is probed again this often. */
const PROBE_AGAIN_MS = 60_000;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 30_000;

/** Sees the sentinel, answers the controller, accepts requests and has them carried out. Sends nothing while nothing changes. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #ordered = new Set<string>();
  readonly #refused = new Map<string, string>();
  readonly #wakeup: Wakeup;
  #probe: Probe | null = null;
  #probedAt = Number.NEGATIVE_INFINITY;
  #reported = { key: '', at: 0 };
  #failures = 0;
  #saidLast = '';

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  /** Something may have changed: the NodeReboot or a sentinel. */
  poke(): void {
    this.#wakeup.poke();
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    this.#options.sentinels.watch(() => this.poke(), signal);
    while (!signal.aborted) {
      const wait = await this.#step().catch((error: unknown) => this.#trouble(error));
      await this.#wakeup.wait(wait, signal);
    }
  }

  /** @returns milliseconds until the next step is due, whatever happens */
  async #step(): Promise<number> {
    const { own, log } = this.#options;
    const nodeReboot = own.current();
    if (nodeReboot === undefined) return POLL_MS;
    await this.#probeIfDue();
    const state = await this.#state();
    const move = decideAgent(nodeReboot, state);
    this.#say(move);
    if (move.kind === 'wait') {
      this.#failures = 0;
      return move.seconds === undefined ? this.#pollIn() : Math.min(move.seconds * 1000, POLL_MS);
    }
    await this.#make(move, nodeReboot);
    log.debug(`agent: ${move.kind}`);
    this.#failures = 0;
    return 0;
  }

  async #make(move: Exclude<AgentMove, { kind: 'wait' }>, nodeReboot: NodeReboot): Promise<void> {
    const { own, log } = this.#options;
    switch (move.kind) {
      case 'report':
        log.info('reporting', { report: move.report });
        await own.patchAgent(nodeReboot, reportPatch(move.report));
        this.#reported = { key: reportKey(nodeReboot, move.report), at: this.#options.clock.monotonic() };
        return;
      case 'probe':
        return await this.#prepare(move.attemptID, nodeReboot);
      case 'accept':
        await own.patchAgent(nodeReboot, {
          accepted: move.attemptID,
          acceptedUptime: move.uptime,
          orders: 0,
          failed: null,
        });
        return log.info('reboot accepted', { attemptID: move.attemptID, acceptedUptime: move.uptime });
      case 'order':
        return await this.#order(move.attemptID, move.orders, nodeReboot);
      case 'fail':
        return await this.#fail(move.attemptID, move.reason, nodeReboot);
    }
  }

  async #prepare(attemptID: string, nodeReboot: NodeReboot): Promise<void> {
    const { own, log } = this.#options;
    const probe = await this.#askRebooter(attemptID);
    const answer = probe.able ? { able: true, reason: null } : { able: false, reason: probe.reason };
    await own.patchAgent(nodeReboot, { prepared: { attemptID, ...answer } });
    log.info('prepared', { attemptID, able: probe.able });
  }

  /** The count is raised by compare-and-swap before the order is given. */
  async #order(attemptID: string, orders: number, nodeReboot: NodeReboot): Promise<void> {
    const { own, rebooter, log } = this.#options;
    await own.patchAgent(nodeReboot, { orders });
    this.#ordered.add(attemptID);
    log.info('ordering the reboot', { attemptID, orders });
    const outcome = await rebooter.order(attemptID);
    log.info('reboot ordered', { attemptID, orders, outcome });
    if (outcome.kind === 'refused') this.#refused.set(attemptID, outcome.reason);
  }

  async #fail(attemptID: string, reason: string, nodeReboot: NodeReboot): Promise<void> {
    const { own, log } = this.#options;
    await own.patchAgent(nodeReboot, { failed: { attemptID, reason: reason.slice(0, 256) } });
    log.warn('reboot failed', { attemptID, reason });
  }

  async #probeIfDue(): Promise<void> {
    const { clock } = this.#options;
    const due = this.#probe === null || (!this.#probe.able && clock.monotonic() - this.#probedAt >= PROBE_AGAIN_MS);
    if (due) await this.#askRebooter('');
  }

  async #askRebooter(attemptID: string): Promise<Probe> {
    const { rebooter, clock } = this.#options;
    const probe = await rebooter.probe(attemptID);
    this.#probe = probe;
    this.#probedAt = clock.monotonic();
    return probe;
  }

  async #state(): Promise<AgentState> {
    const { node, sentinels, version, clock } = this.#options;
    const reading = [node.bootID(), node.uptime(), sentinels.read(), this.#options.nodeUID()] as const;
    const [bootID, uptime, sentinel, nodeUID] = await Promise.all(reading);
    const { key, at } = this.#reported;
    return {
      bootID,
      nodeUID,
      version,
      sentinel,
      probe: this.#probe,
      uptime,
      now: clock.now(),
      ordered: this.#ordered,
      refused: this.#refused,
      reported: clock.monotonic() - at < REPORT_AGAIN_MS ? key : '',
    };
  }

  async #trouble(error: unknown): Promise<number> {
    const { own, log, random } = this.#options;
    this.#failures += 1;
    if (isConflict(error)) {
      const refreshed = await own.refresh().then(
        () => true,
        () => false,
      );
      if (refreshed && this.#failures === 1) return 0;
    }
    log.warn('a step of the agent failed', errorFields(error));
    return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 10)) * (0.5 + random());
  }

  #pollIn(): number {
    return this.#probe?.able === false ? Math.min(POLL_MS, PROBE_AGAIN_MS) : POLL_MS;
  }

  /** A refusal is said once, not at every poll. */
  #say(move: AgentMove): void {
    const said = move.kind === 'wait' ? (move.why ?? '') : '';
    if (said !== '' && said !== this.#saidLast) this.#options.log.debug('waiting', { why: said });
    this.#saidLast = said;
  }
}
