import { isConflict } from '../cluster/errors.ts';
import { type AgentMove, type AgentState, decideAgent, type Probe, reportKey, reportPatch } from '../core/agent.ts';
import type { NodeReboot } from '../core/model.ts';
import type { Clock, Random } from '../platform/clock.ts';
import { Wakeup } from '../platform/wakeup.ts';
import { errorFields, type Fields, type Log } from '../telemetry/log.ts';
import type { NodeFacts, OrderOutcome, OwnNodeReboot, Rebooter, Sentinels } from './ports.ts';

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

type Wait = Extract<AgentMove, { kind: 'wait' }>;

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
  #roundAt: number;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
    this.#roundAt = options.clock.monotonic();
  }

  /** When its loop last came round, in milliseconds of the monotonic clock. */
  get roundAt(): number {
    return this.#roundAt;
  }

  /** Something may have changed: the NodeReboot or a sentinel. */
  poke(): void {
    this.#wakeup.poke();
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    this.#options.sentinels.watch(() => this.poke(), signal);
    while (!signal.aborted) {
      this.#roundAt = this.#options.clock.monotonic();
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
    if (move.kind === 'wait') {
      this.#say(move, nodeReboot);
      this.#failures = 0;
      return move.seconds === undefined ? this.#pollIn() : Math.min(move.seconds * 1000, POLL_MS);
    }
    await this.#make(move, nodeReboot);
    log.debug(`agent: ${move.kind}`);
    this.#failures = 0;
    return 0;
  }

  async #make(move: Exclude<AgentMove, Wait>, nodeReboot: NodeReboot): Promise<void> {
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
        return log.info('reboot accepted', {
          attemptID: move.attemptID,
          fromBootID: nodeReboot.spec.reboot?.fromBootID,
          acceptedUptime: move.uptime,
        });
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
    // Before it is given: afterwards there may be no time for it.
    log.info('ordering the reboot', { attemptID, orders });
    const outcome = await rebooter.order(attemptID);
    const level = outcome.kind === 'ordered' ? 'info' : 'warn';
    log[level]('the rebooter has answered the order', { attemptID, orders, ...answerOf(outcome) });
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

  /** Said once, not at every poll. A request that was accepted and has had its end stays there for a moment. */
  #say({ why = '', refused }: Wait, { status }: NodeReboot): void {
    const { log } = this.#options;
    const said = `${refused ?? ''} ${why}`.trim();
    if (said !== '' && said !== this.#saidLast) {
      if (refused === undefined) log.debug('waiting', { why });
      else if (status?.agent?.accepted === refused)
        log.info('reboot request not followed again', { attemptID: refused, why });
      else log.warn('reboot request refused', { attemptID: refused, why });
    }
    this.#saidLast = said;
  }
}

function answerOf(outcome: OrderOutcome): Fields {
  switch (outcome.kind) {
    case 'ordered':
      return { outcome: 'ordered' };
    case 'unknown':
      return { outcome: 'unknown', why: outcome.why };
    case 'refused':
      return { outcome: 'refused', why: outcome.reason };
  }
}
