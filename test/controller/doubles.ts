import { ApiError } from '../../src/cluster/errors.ts';
import type { Announcement, Effects, LockWrite } from '../../src/cluster/ports.ts';
import type { EvictionOutcome } from '../../src/core/model.ts';
import type { ObjectStep } from '../../src/core/steps.ts';

export function refusal(status: number): ApiError {
  return new ApiError('PATCH', { status, headers: {}, body: '{}' });
}

/** Effects that are only remembered, and fail as the test says. */
export class EffectsDouble implements Effects {
  readonly done: string[] = [];
  readonly locks: LockWrite[] = [];
  readonly announcements: Announcement[] = [];
  /** What goes wrong, by the kind of the effect. */
  readonly failures = new Map<string, Error>();
  outcome: EvictionOutcome | Error = { kind: 'granted' };

  async writeLock(write: LockWrite): Promise<void> {
    this.#do('lock');
    this.locks.push(write);
  }

  async perform(step: ObjectStep): Promise<void> {
    this.#do(step.kind);
  }

  async evict(): Promise<EvictionOutcome> {
    this.#do('evict');
    if (this.outcome instanceof Error) throw this.outcome;
    return this.outcome;
  }

  async deletePod(): Promise<EvictionOutcome> {
    this.#do('deletePod');
    if (this.outcome instanceof Error) throw this.outcome;
    return this.outcome;
  }

  async writeNodeRebootStatus({ metadata }: { metadata: { name: string } }): Promise<void> {
    this.#do(`status ${metadata.name}`);
  }

  async writePolicyStatus({ metadata }: { metadata: { name: string } }): Promise<void> {
    this.#do(`status ${metadata.name}`);
  }

  async announce(announcement: Announcement): Promise<void> {
    this.#do('announce');
    this.announcements.push(announcement);
  }

  #do(what: string): void {
    const failure = this.failures.get(what);
    if (failure !== undefined) throw failure;
    this.done.push(what);
  }
}
