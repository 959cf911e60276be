import { CONTROLLER_MANAGER, LEADER_LEASE } from '../api/names.ts';
import type { Lease } from '../api/objects.ts';
import type { Clock, Random } from '../platform/clock.ts';
import { isConflict, isNotFound } from './errors.ts';
import type { KubeApi } from './kubeApi.ts';
import { lease, leases } from './paths.ts';

/** Times of leader election, milliseconds; each shorter than the one before. */
export interface LeaderTimes {
  /** How long others wait for a leader that no longer renews. */
  leaseMs: number;
  /** How long a leader may act after its last renewal. */
  renewDeadlineMs: number;
  /** How often a leader renews and others look. */
  retryMs: number;
}

export const LEADER_TIMES: LeaderTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

export interface LeaderOptions {
  api: KubeApi;
  namespace: string;
  /** Unique for this process: a restarted process is another candidate. */
  identity: string;
  times: LeaderTimes;
  clock: Clock;
  random: Random;
  onError: (error: unknown) => void;
}

interface Renewal {
  mono: number;
  wall: number;
}

/**
 * Leadership by a Lease. Another's Lease counts as abandoned when its `renewTime` has not changed for its duration on
 * our monotonic clock: remote times are compared with each other, never with our clock.
 */
export class LeaderElection {
  readonly #options: LeaderOptions;
  #renewal: Renewal | null = null;
  /** Monotonic ms before which this process does not campaign. */
  #standBackUntil = 0;
  #observed = { renewTime: '', holder: '', since: 0 };

  constructor(options: LeaderOptions) {
    this.#options = options;
  }

  /** Whether this process may act: its last renewal is younger than the deadline, on both clocks. */
  get leads(): boolean {
    return this.remainingMs > 0;
  }

  /** For how long it may still act without a further renewal, milliseconds. */
  get remainingMs(): number {
    if (this.#renewal === null) return 0;
    const { clock, times } = this.#options;
    const age = Math.max(clock.monotonic() - this.#renewal.mono, Math.abs(clock.now() - this.#renewal.wall));
    return Math.max(0, times.renewDeadlineMs - age);
  }

  /** Campaigns until this process leads or the signal aborts. */
  async acquire(signal: AbortSignal): Promise<void> {
    const { clock, random, times, onError } = this.#options;
    while (!signal.aborted && !this.leads) {
      if (clock.monotonic() >= this.#standBackUntil) await this.#tryAcquire().catch(onError);
      if (!this.leads) await clock.sleep(times.retryMs * (0.8 + 0.4 * random()), signal);
    }
  }

  /** Renews until leadership is lost or the signal aborts. */
  async hold(signal: AbortSignal): Promise<void> {
    const { clock, times, onError } = this.#options;
    while (!signal.aborted && this.leads) {
      await clock.sleep(times.retryMs, signal);
      if (!signal.aborted && this.leads) await this.#renew().catch(onError);
    }
  }

  /** Proves leadership by an uncached read. To be asked after a 409, before anything is read again. */
  async prove(): Promise<boolean> {
    const { api, namespace, identity } = this.#options;
    if (!this.leads) return false;
    const current = await api.get<Lease>(lease(namespace, LEADER_LEASE));
    if (current.spec?.holderIdentity === identity) return true;
    this.#renewal = null;
    return false;
  }

  /** Gives leadership up without telling anybody: others find out when the Lease runs out. */
  resign(): void {
    this.#renewal = null;
  }

  /** Lets another replica lead, and does not campaign until it has had the time to; who finds no one goes on. */
  async handOver(): Promise<void> {
    const { clock, times } = this.#options;
    this.#standBackUntil = clock.monotonic() + 2 * times.leaseMs;
    await this.release();
  }

  /** Hands leadership over at once, at a clean end. */
  async release(): Promise<void> {
    const { api, namespace, identity } = this.#options;
    this.#renewal = null;
    const current = await api.get<Lease>(lease(namespace, LEADER_LEASE));
    if (current.spec?.holderIdentity !== identity) return;
    const { resourceVersion } = current.metadata;
    await api.patch(lease(namespace, LEADER_LEASE), {
      metadata: { resourceVersion },
      spec: { holderIdentity: '', leaseDurationSeconds: 1 },
    });
  }

  async #tryAcquire(): Promise<void> {
    const { api, namespace, identity } = this.#options;
    const current = await api.get<Lease>(lease(namespace, LEADER_LEASE)).catch((error: unknown) => {
      if (isNotFound(error)) return null;
      throw error;
    });
    if (current === null) return await this.#write(() => api.create(leases(namespace), this.#fresh()));
    const holder = current.spec?.holderIdentity ?? '';
    if (holder !== '' && holder !== identity && !this.#isAbandoned(current)) return;
    await this.#write(() => api.patch(lease(namespace, LEADER_LEASE), this.#taken(current)));
  }

  async #renew(): Promise<void> {
    const { api, namespace, identity } = this.#options;
    const current = await api.get<Lease>(lease(namespace, LEADER_LEASE));
    if (current.spec?.holderIdentity !== identity) return this.resign();
    if (!this.leads) return;
    const { resourceVersion } = current.metadata;
    const renew = { metadata: { resourceVersion }, spec: { renewTime: this.#microTime() } };
    await this.#write(() => api.patch(lease(namespace, LEADER_LEASE), renew));
  }

  /** The renewal counts from before the request: its answer may be late, and come after leadership was given up. */
  async #write(request: () => Promise<unknown>): Promise<void> {
    const { clock } = this.#options;
    const renewal = { mono: clock.monotonic(), wall: clock.now() };
    const before = this.#renewal;
    try {
      await request();
      if (this.#renewal === before) this.#renewal = renewal;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }

  #isAbandoned({ spec }: Lease): boolean {
    const { clock } = this.#options;
    const renewTime = spec?.renewTime ?? '';
    const holder = spec?.holderIdentity ?? '';
    if (this.#observed.renewTime !== renewTime || this.#observed.holder !== holder) {
      this.#observed = { renewTime, holder, since: clock.monotonic() };
    }
    return clock.monotonic() - this.#observed.since > (spec?.leaseDurationSeconds ?? 0) * 1000;
  }

  #taken({ metadata, spec }: Lease) {
    const leaseTransitions = (spec?.leaseTransitions ?? 0) + 1;
    return { metadata: { resourceVersion: metadata.resourceVersion }, spec: { ...this.#claim(), leaseTransitions } };
  }

  #fresh() {
    const metadata = { name: LEADER_LEASE, labels: { 'app.kubernetes.io/managed-by': CONTROLLER_MANAGER } };
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec: { ...this.#claim(), leaseTransitions: 0 },
    };
  }

  #claim() {
    const { identity, times } = this.#options;
    const now = this.#microTime();
    const leaseDurationSeconds = Math.ceil(times.leaseMs / 1000);
    return { holderIdentity: identity, leaseDurationSeconds, acquireTime: now, renewTime: now };
  }

  /** Leases want six digits of a second. */
  #microTime(): string {
    return new Date(this.#options.clock.now()).toISOString().replace('Z', '000Z');
  }
}
