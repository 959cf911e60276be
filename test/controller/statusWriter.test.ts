import { expect } from 'chai';
import type { Effects } from '../../src/cluster/ports.ts';
import { StatusWriter } from '../../src/controller/statusWriter.ts';
import { drainState } from '../../src/core/attempt/drain.ts';
import type { Plan } from '../../src/core/decide.ts';
import type { NodeReboot } from '../../src/core/model.ts';
import type { NodeRebootView } from '../../src/core/views/nodeRebootView.ts';
import { aDrain, aNodeReboot, anAttempt, aPod, aSnapshot, decideOn } from '../support/cluster.ts';

describe('the status writer', () => {
  let mono: number;
  let stored: NodeReboot;
  let written: NodeRebootView[];
  let writer: StatusWriter;

  beforeEach(() => {
    mono = 0;
    stored = aNodeReboot('n1', { attempt: anAttempt('n1') });
    written = [];
    const effects: Partial<Effects> = {
      writeNodeRebootStatus: async (_, view) => {
        written.push(view);
        stored = { ...stored, status: { ...stored.status, ...view } as NonNullable<NodeReboot['status']> };
      },
    };
    const clock = { now: () => 0, monotonic: () => mono, sleep: async () => undefined };
    writer = new StatusWriter(effects as Effects, clock, (error) => {
      throw error;
    });
  });

  /** A cycle of the loop, so many ms after the one before, while so many pods are left on n1. */
  async function cycle(options: { after: number; podsLeft: number; code?: string }): Promise<number> {
    mono += options.after;
    const pods = Array.from({ length: options.podsLeft }, (_, i) => aPod(`web-${i}`));
    const drain = drainState(pods, aDrain(), new Map(), mono);
    const verdict = { code: options.code ?? 'Draining', message: 'Pods are being moved off the node.' };
    const inFlight: Plan['inFlight'] = new Map([['n1', { phase: 'Draining', verdict, drain }]]);
    const { plan } = decideOn({ policies: [], nodeReboots: [stored] });
    return await writer.write({ ...plan, inFlight }, aSnapshot({ policies: [], nodeReboots: [stored], now: mono }));
  }

  it('writes a change once, some seconds after it was first seen', async () => {
    expect(await cycle({ after: 0, podsLeft: 9 })).to.equal(2_000);
    await cycle({ after: 1_000, podsLeft: 8 });
    expect(written).to.have.length(0);

    await cycle({ after: 1_000, podsLeft: 7 });
    expect(written.map(({ drain }) => drain?.podsLeft)).to.deep.equal([7]);
    expect(await cycle({ after: 0, podsLeft: 7 })).to.equal(Number.POSITIVE_INFINITY);
  });

  it('writes the progress of a drain every ten seconds, however many pods go', async () => {
    await cycle({ after: 0, podsLeft: 60 });
    for (let podsLeft = 59; podsLeft >= 0; podsLeft -= 1) await cycle({ after: 1_000, podsLeft });
    expect(written.map(({ drain }) => drain?.podsLeft)).to.deep.equal([58, 47, 36, 25, 14, 3]);
  });

  it('does not let a verdict wait for as long as progress may', async () => {
    await cycle({ after: 0, podsLeft: 9 });
    await cycle({ after: 2_000, podsLeft: 9 });
    await cycle({ after: 1_000, podsLeft: 8 });
    expect(await cycle({ after: 1_000, podsLeft: 8, code: 'DrainSlow' })).to.equal(2_000);
  });
});
