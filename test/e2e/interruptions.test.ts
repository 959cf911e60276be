import { expect } from 'chai';
import type { RebootPolicySpec } from '../../src/api/generated/rebootpolicy.ts';
import type { Machine } from '../testbed/machine/machine.ts';
import { waitFor } from '../testbed/process/wait.ts';
import { type Harbour, SOON } from './support/harbour.ts';
import { ALL_AT_ONCE, inEveryPhase } from './support/phases.ts';
import { holdDrain } from './support/scene.ts';
import { sharedHarbour } from './support/shared.ts';

describe('an interruption', () => {
  const shared = sharedHarbour({ maxDisrupted: 4 });

  const everywhere: readonly Interruption[] = [
    {
      what: 'a pause of the policy',
      code: 'Paused',
      begin: (h) => h.annotate('rebootpolicy', 'workers', 'drydock.dev/pause=not now'),
    },
    {
      what: 'a hold of the nodes',
      code: 'Held',
      begin: async (h, nodes) => {
        for (const name of nodes) await h.annotate('node', name, 'drydock.dev/hold=not now');
      },
    },
    {
      what: 'a freeze that begins',
      code: 'Frozen',
      // An agent gives up a write that is not answered after 10 s.
      policy: () => ({
        schedule: {
          expectedDuration: '1s',
          freezes: [{ from: fromNow(9_000), until: fromNow(3_600_000), reason: 'year end' }],
        },
      }),
    },
  ];

  for (const { what, code, begin, policy } of everywhere) {
    it(`by ${what} puts nodes back that prepare, drain or are asked, and sees one through that has accepted`, async () => {
      const { h } = shared();
      const { preparing, draining, requested, accepted, letGo } = await inEveryPhase(shared(), policy);
      const early = [preparing, draining, requested];
      await begin?.(
        h,
        [...early, accepted].map(({ name }) => name),
      );

      for (const { name } of early) {
        await untilEnded(h, name);
        expect(h.nodeReboot(name)?.status?.history?.[0], name).to.include({ outcome: 'Interrupted', code });
        expect(h.isCordoned(name), `${name} cordoned`).to.equal(false);
      }
      expect(h.slots()).to.deep.equal([accepted.name]);
      expect(h.isCordoned(accepted.name)).to.equal(true);

      letGo();
      accepted.beginReboot();
      await h.untilBack(accepted, 1);
      expect(h.nodeReboot(accepted.name)?.status?.history?.[0]).to.include({ outcome: 'Rebooted' });
      for (const { name, rebooter, bootIds } of early) {
        await h.untilVerdict(name, code);
        expect(rebooter.orders, `orders to ${name}`).to.have.length(0);
        expect(bootIds, `boots of ${name}`).to.have.length(1);
      }
    });
  }

  const edits: readonly { what: string; code: string; edit: (h: Harbour) => Promise<unknown> }[] = [
    {
      what: 'deletes the policy',
      code: 'PolicyGone',
      edit: (h) => h.kubectl('delete', 'rbp', 'workers', '--wait=false'),
    },
    { what: 'sets the policy to Report', code: 'ReportOnly', edit: (h) => h.applyPolicy({ mode: 'Report' }) },
    {
      what: 'has the policy select other nodes',
      code: 'NotSelected',
      edit: (h) => h.applyPolicy({ nodeSelector: { matchLabels: { role: 'other' } } }),
    },
  ];

  for (const { what, code, edit } of edits) {
    it(`by a person who ${what} puts a draining node back, and sees one through that has accepted`, async () => {
      const { h, said, draining, accepted } = await drainingAndAccepted();
      const attemptID = h.nodeReboot(draining.name)?.spec.attempt?.id;
      await edit(h);

      await waitFor('the end of the drain', () => h.slots().join() === accepted.name, { timeoutMs: SOON });
      expect(said('endAttempt', { attemptID, code })).to.have.length(1);
      expect(h.isCordoned(draining.name)).to.equal(false);
      expect(h.isCordoned(accepted.name)).to.equal(true);
      expect(await h.kubectl('get', 'rbp', '-o', 'name'), 'while a node is in flight').to.contain('workers');

      accepted.beginReboot();
      await h.untilRebooted(accepted, 1);
      expect(h.isCordoned(accepted.name)).to.equal(false);
      expect(draining.rebooter.orders).to.have.length(0);
      if (code === 'PolicyGone') await h.kubectl('wait', '--for=delete', 'rbp/workers', '--timeout=30s');
    });
  }

  it('by a sentinel that goes puts the node back', async () => {
    const { h, machine } = await drainingOnly();
    machine.clearSentinel();
    await untilEnded(h, machine.name);
    expect(h.nodeReboot(machine.name)?.status?.history?.[0]).to.include({ code: 'SentinelGone' });
    expect(h.isCordoned(machine.name)).to.equal(false);
  });

  it('leaves a node cordoned that a person had cordoned before', async () => {
    const { h, machine } = await drainingOnly({ cordoned: true });
    await h.annotate('nodereboot', machine.name, 'drydock.dev/pause=not now');
    await untilEnded(h, machine.name);
    expect(h.nodeReboot(machine.name)?.status?.history?.[0]).to.include({ code: 'Paused' });
    expect(h.isCordoned(machine.name)).to.equal(true);
    expect(cordonMarks(h, machine.name)).to.deep.equal([]);
  });

  it('by a person who uncordons the node and cordons it again leaves it cordoned, as theirs', async () => {
    const { h, machine, controller } = await drainingOnly();
    controller.freeze();
    await h.kubectl('uncordon', machine.name);
    await h.kubectl('cordon', machine.name);
    controller.thaw();
    await untilEnded(h, machine.name);
    // Between the two it may be seen without any cordon.
    const code = h.nodeReboot(machine.name)?.status?.history?.[0]?.code;
    expect(code).to.be.oneOf(['CordonTaken', 'CordonLifted']);
    expect(h.isCordoned(machine.name)).to.equal(true);
    expect(cordonMarks(h, machine.name)).to.deep.equal([]);
    expect(machine.rebooter.orders).to.have.length(0);
  });

  async function drainingOnly({ cordoned = false } = {}) {
    const all = shared();
    const { h, controller } = all;
    await h.applyPolicy();
    const machine = await all.addMachine();
    await holdDrain(h, machine);
    if (cordoned) await h.kubectl('cordon', machine.name);
    machine.requireReboot();
    await h.untilVerdict(machine.name, 'DrainBlocked');
    return { h, controller, machine };
  }

  async function drainingAndAccepted() {
    const all = shared();
    const { h } = all;
    await h.applyPolicy(ALL_AT_ONCE);
    const [draining, accepted] = (await all.addMachines(2)) as [Machine, Machine];
    await holdDrain(h, draining);
    accepted.rebooter.onOrder = 'ignore';
    for (const machine of [draining, accepted]) machine.requireReboot();
    await h.untilOrdered(accepted);
    await h.untilVerdict(draining.name, 'DrainBlocked');
    return { h, said: all.said.bind(all), draining, accepted };
  }
});

interface Interruption {
  what: string;
  code: string;
  begin?: (h: Harbour, nodes: string[]) => Promise<void>;
  /** The policy that it comes of by itself. */
  policy?: () => Partial<RebootPolicySpec>;
}

function fromNow(ms: number): string {
  return new Date(Date.now() + ms).toISOString().replace(/\.\d+/, '');
}

/** Waits until an attempt of the node is over, and its slot free. */
async function untilEnded(h: Harbour, node: string): Promise<void> {
  const ended = () => h.isIdle(node) && (h.nodeReboot(node)?.status?.history?.length ?? 0) > 0;
  await waitFor(`the end of the attempt of ${node}`, ended, { timeoutMs: SOON });
}

/** What a node carries of ours. */
function cordonMarks(h: Harbour, node: string): string[] {
  const { annotations = {}, labels = {} } = (h.timeline.latest('Node', node)?.metadata ?? {}) as {
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
  };
  return [...Object.keys(annotations), ...Object.keys(labels)].filter((name) => name.startsWith('drydock.dev/'));
}
