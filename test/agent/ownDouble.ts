import type { OwnNodeReboot } from '../../src/agent/ports.ts';
import { ApiError } from '../../src/cluster/errors.ts';
import type { NodeReboot } from '../../src/core/model.ts';
import { aNodeReboot } from '../support/cluster.ts';
import { mergePatch } from '../support/mergePatch.ts';

/** A NodeReboot in a cluster, as the agent sees it: what others write, it learns of when it is told. */
export class OwnDouble implements OwnNodeReboot {
  stored: NodeReboot | undefined = { ...aNodeReboot('n1'), status: {} };
  seen: NodeReboot | undefined = this.stored;
  readonly patches: Record<string, unknown>[] = [];
  /** Thrown by the next writes, once each. */
  readonly failures: Error[] = [];
  refreshes = 0;
  refreshFails = false;

  current() {
    return this.seen;
  }

  async patchAgent(from: NodeReboot, agent: Record<string, unknown>): Promise<void> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    if (from.metadata.resourceVersion !== this.stored?.metadata.resourceVersion) throw conflict();
    this.patches.push(agent);
    this.write({ status: { agent } });
    this.seen = this.stored;
  }

  async refresh(): Promise<void> {
    this.refreshes += 1;
    if (this.refreshFails) throw new Error('no route to host');
    this.seen = this.stored;
  }

  /** Somebody writes; the agent does not know of it yet. */
  write(patch: object): void {
    const resourceVersion = String(Number(this.stored?.metadata.resourceVersion) + 1);
    const merged = mergePatch(this.stored, { ...patch, metadata: { resourceVersion } });
    this.stored = merged as NodeReboot;
  }
}

function conflict(): ApiError {
  return new ApiError('PATCH', { status: 409, headers: {}, body: '{"reason":"Conflict"}' });
}
