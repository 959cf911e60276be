import { expect } from 'chai';
import type { OrderBehaviour } from '../testbed/machine/rebooter.ts';
import { waitFor } from '../testbed/process/wait.ts';
import { type Harbour, harbourForEach, SOON } from './support/harbour.ts';
import { MACHINE, MOMENTS, type Moment } from './support/moments.ts';
import { type Pair, pairForAll } from './support/pair.ts';

const momentOf = (when: string): Moment => {
  const found = MOMENTS.find((moment) => moment.when === when);
  if (found === undefined) throw new Error(`there is no moment ${when}`);
  return found;
};

/** Moments at which the agent has asked something; what it asked is carried out, or not. */
const OWN: readonly (readonly [string, Moment, 'hold' | 'holdAnswer'])[] = [
  ['while it prepares', momentOf('while the agent prepares'), 'hold'],
  ['requested, before it has accepted', momentOf('requested, before the agent accepts'), 'hold'],
  ['accepted, which it does not know yet', momentOf('requested, before the agent accepts'), 'holdAnswer'],
  ['before it has counted its order', momentOf('accepted, before the agent orders'), 'hold'],
  ['with its order counted and not given', momentOf('accepted, before the agent orders'), 'holdAnswer'],
  ['rebooted, before it has reported', momentOf('rebooted, before the agent has reported'), 'hold'],
];

describe('an agent', () => {
  const pair = pairForAll();

  for (const [when, moment, how] of OWN) {
    it(`that is killed ${when} goes on when it is started again, and reboots its node once`, async () => {
      const { machine } = pair();
      const before = pair().tally();
      const hold = await pair().stopAt(moment, how);
      const attemptID = pair().attemptID();
      await machine.killAgent();
      hold.drop();
      await machine.startAgent();
      await pair().assertRebootedOnce(before, attemptID);
    });

    it(`that is frozen ${when} goes on when it is thawed, and reboots its node once`, async () => {
      const { machine } = pair();
      const before = pair().tally();
      const hold = await pair().stopAt(moment, how);
      const attemptID = pair().attemptID();
      machine.freezeAgent();
      expect(await hold.deliver()).to.equal(200);
      machine.thawAgent();
      await pair().assertRebootedOnce(before, attemptID);
    });
  }

  const stops: readonly (readonly [string, (pair: Pair) => Promise<void>, (pair: Pair) => Promise<void>])[] = [
    ['killed', async ({ machine }) => machine.killAgent(), async ({ machine }) => machine.startAgent()],
    ['frozen', async ({ machine }) => machine.freezeAgent(), async ({ machine }) => machine.thawAgent()],
  ];
  for (const [how, stop, goOn] of stops) {
    it(`that is ${how} while its node drains finds the request later, and reboots its node once`, async () => {
      const before = pair().tally();
      const hold = await pair().stopAt(momentOf('before an eviction'));
      const attemptID = pair().attemptID();
      await stop(pair());
      hold.release();
      await pair().h.until(
        'the request',
        ({ kind, object }) =>
          kind === 'NodeReboot' && JSON.stringify(object).includes(`"reboot":{"attemptID":"${attemptID}`),
      );
      await goOn(pair());
      await pair().assertRebootedOnce(before, attemptID);
    });
  }

  const lost: readonly (readonly [string, OrderBehaviour])[] = [
    ['was not answered', 'hang'],
    ['was answered, with the machine still up', 'ignore'],
  ];
  for (const [what, onOrder] of lost) {
    it(`that is killed when its order ${what} gives it again, and its node reboots once`, async () => {
      const { machine } = pair();
      const before = pair().tally();
      machine.rebooter.onOrder = onOrder;
      pair().requireReboot();
      await waitFor('the order', () => machine.rebooter.orders.length > before.orders, { timeoutMs: SOON });
      const attemptID = pair().attemptID();
      await machine.killAgent();
      machine.rebooter.onOrder = 'obey';
      await machine.startAgent();
      await pair().assertRebootedOnce(before, attemptID, 2);
    });
  }

  it('whose acceptance arrives after the request was withdrawn has not accepted, and reboots nothing', async () => {
    const { h, machine } = pair();
    const before = pair().tally();
    const hold = await pair().stopAt(momentOf('requested, before the agent accepts'));
    machine.freezeAgent();
    await h.annotate('node', MACHINE, 'drydock.dev/pause=on second thoughts');
    await h.untilVerdict(MACHINE, 'Paused');
    expect(await hold.deliver()).to.equal(409);
    machine.thawAgent();
    machine.clearSentinel();
    await h.untilVerdict(MACHINE, 'NotRequired', h.timeline.mark());
    await h.annotate('node', MACHINE, 'drydock.dev/pause-');
    expect(pair().tally()).to.include({ boots: before.boots, orders: before.orders });
    h.assertInvariants();
  });
});

describe('an attempt whose agent', () => {
  const harbour = harbourForEach();
  const last = (h: Harbour, node: string) => h.nodeReboot(node)?.status?.history?.[0];

  it('dies before it has answered, or before it has accepted, ends: the node goes back; the latter halts the policy', async () => {
    const h = harbour();
    await h.addSpareNode();
    const doors = await Promise.all([h.bed.proxy(), h.bed.proxy()]);
    const [prepared, accepted] = [
      momentOf('while the agent prepares'),
      momentOf('requested, before the agent accepts'),
    ];
    const silent = await h.addMachine('n1', { proxy: doors[0] });
    const deaf = await h.addMachine('n2', { proxy: doors[1] });
    await h.startController({ maxDisrupted: 2 });
    await h.applyPolicy({ disruption: { maxUnavailable: 2 } });
    const [first, second] = [doors[0].hold(inName('n1', prepared)), doors[1].hold(inName('n2', accepted))];
    silent.requireReboot();
    deaf.requireReboot();
    await Promise.all([first.arrived(), second.arrived()]);
    await Promise.all([silent.killAgent(), deaf.killAgent()]);
    for (const hold of [first, second]) hold.drop();

    const ended = () => ['n1', 'n2'].every((node) => h.isIdle(node) && last(h, node) !== undefined);
    // An agent has a minute for its acceptance.
    await waitFor('the end of both', ended, { timeoutMs: 60_000 + SOON });
    expect(last(h, 'n1')).to.include({ outcome: 'Interrupted', code: 'AgentSilent' });
    expect(last(h, 'n2')).to.include({ outcome: 'Failed', code: 'NotAccepted' });
    for (const { name, rebooter } of [silent, deaf]) {
      expect(h.isCordoned(name), name).to.equal(false);
      expect(rebooter.orders, name).to.have.length(0);
    }
    const next = await h.addMachine('n3');
    next.requireReboot();
    await h.untilVerdict('n3', 'Halted');
    await h.annotate('rebootpolicy', 'workers', 'drydock.dev/resume=its agent is back');
    await h.untilBack(next, 1);
  });

  it('is refused by the rebooter has failed: the node goes back', async () => {
    const h = harbour();
    const { machine } = await h.begin();
    machine.rebooter.onOrder = { code: 'unable', reason: 'an inhibitor blocks' };
    machine.requireReboot();
    await h.until('the end', () => h.isIdle('n1') && last(h, 'n1') !== undefined);
    await h.untilVerdict('n1', 'BackingOff');
    expect(last(h, 'n1')).to.include({ outcome: 'Failed', code: 'RebootFailed' });
    expect(last(h, 'n1')?.message).to.contain('an inhibitor blocks');
    expect(h.isCordoned('n1')).to.equal(false);
    expect(machine.rebooter.orders).to.have.length(1);
  });

  it('has accepted keeps its slot and its cordon when no new boot comes in time, and is healed by a late one', async () => {
    const h = harbour();
    const { machine } = await h.beginReboot({ onOrder: 'ignore', policy: { reboot: { timeout: '3s' } } });
    await h.untilVerdict('n1', 'RebootTimedOut');
    expect(h.nodeReboot('n1')?.status?.phase).to.equal('Failed');
    expect(h.slots()).to.deep.equal(['n1']);
    expect(h.isCordoned('n1')).to.equal(true);

    machine.beginReboot();
    await h.untilBack(machine, 1);
    expect(last(h, 'n1')).to.include({ outcome: 'Rebooted', healed: true });
  });

  it('does not come back after the reboot leaves its node Failed, cordoned and with its slot, until it does', async () => {
    const h = harbour();
    const policy = { verification: { readyTimeout: '4s' } };
    const { machine } = await h.beginReboot({ onOrder: 'hang', policy });
    await h.untilOrdered(machine);
    await machine.killAgent();
    machine.beginReboot();
    await h.untilVerdict('n1', 'NotVerified');
    expect(h.nodeReboot('n1')?.status?.phase).to.equal('Failed');
    expect(h.nodeReboot('n1')?.spec.attempt?.failure?.message).to.contain('its agent has not reported');
    expect(h.slots()).to.deep.equal(['n1']);
    expect(h.isCordoned('n1')).to.equal(true);
    await h.untilPolicy('Halted', 'True', 'TooManyFailed');

    await machine.startAgent();
    await h.untilBack(machine, 1);
    expect(last(h, 'n1')).to.include({ outcome: 'Rebooted', healed: true });
  });
});

/** The same moment of another machine. */
function inName(name: string, { request }: Moment): Moment['request'] {
  return (asked) => request({ ...asked, path: asked.path.replace(`/${name}`, `/${MACHINE}`) });
}
