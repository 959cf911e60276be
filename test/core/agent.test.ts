import { expect } from 'chai';
import fc from 'fast-check';
import type { AgentReport, NodeRebootSpec, Reboot } from '../../src/api/generated/nodereboot.ts';
import { type AgentState, decideAgent, MOST_ORDERS, reportPatch } from '../../src/core/agent.ts';
import type { NodeReboot } from '../../src/core/model.ts';
import { aNodeReboot, NOON } from '../support/cluster.ts';
import { mergePatch } from '../support/mergePatch.ts';

const ID = 'attempt-1';
const REQUEST: Reboot = {
  attemptID: ID,
  fromBootID: 'boot-1-of-n1',
  nodeRebootUID: 'nrb-of-n1',
  delaySeconds: 0,
  timeoutSeconds: 600,
  baseline: {},
};

function aState(changes: Partial<AgentState> = {}): AgentState {
  return {
    bootID: 'boot-1-of-n1',
    nodeUID: 'uid-of-n1',
    version: '0.1.0',
    sentinel: { required: false, changed: '', placed: '', reasons: [] },
    probe: { able: true, method: 'Testbed' },
    uptime: 1_000,
    now: NOON,
    ordered: new Set(),
    refused: new Map(),
    reported: '',
    ...changes,
  };
}

const nodeRebootWith = (agent: AgentReport, spec: Partial<NodeRebootSpec> = {}) => aNodeReboot('n1', spec, { agent });
const move = (nodeReboot: NodeReboot, changes: Partial<AgentState> = {}) => decideAgent(nodeReboot, aState(changes));
const asked = (agent: AgentReport = {}, request: Partial<Reboot> = {}) =>
  nodeRebootWith(agent, { reboot: { ...REQUEST, ...request } });
const accepted = (agent: AgentReport = {}, request: Partial<Reboot> = {}) =>
  asked({ accepted: ID, acceptedUptime: 1_000, orders: 0, ...agent }, request);

describe("an agent's decision", () => {
  describe('on its report', () => {
    const sentinel = { required: true, changed: '2026-11-02T11:00:00Z', placed: '', reasons: ['libc6', 'linux-base'] };

    it('is to say nothing while nothing has changed', () => {
      expect(move(nodeRebootWith({}))).to.deep.equal({ kind: 'wait' });
    });

    it('is to say that a sentinel has appeared, with the time of both clocks', () => {
      const decided = move(nodeRebootWith({}), { sentinel });
      expect(decided).to.deep.equal({
        kind: 'report',
        report: {
          bootID: 'boot-1-of-n1',
          nodeUID: 'uid-of-n1',
          version: '0.1.0',
          rebootRequired: true,
          since: '2026-11-02T12:00:00.000Z',
          sinceUptime: 1_000,
          changed: '2026-11-02T11:00:00Z',
          reasons: ['libc6', 'linux-base'],
          reboot: { able: true, method: 'Testbed' },
        },
      });
    });

    it('keeps the time since which a reboot is required while it is, also when the reasons change', () => {
      const before = { rebootRequired: true, since: '2026-11-01T00:00:00Z', sinceUptime: 5, changed: 'x', reasons: [] };
      expect(move(nodeRebootWith(before), { sentinel }))
        .to.have.property('report')
        .that.includes({
          since: '2026-11-01T00:00:00Z',
          sinceUptime: 5,
        });
    });

    it('begins that time anew with a new boot', () => {
      const before = { rebootRequired: true, since: '2026-11-01T00:00:00Z', sinceUptime: 5, bootID: 'boot-0' };
      expect(move(nodeRebootWith(before), { sentinel }))
        .to.have.property('report')
        .that.includes({
          since: '2026-11-02T12:00:00.000Z',
          sinceUptime: 1_000,
        });
    });

    describe('of a sentinel that an agent sees only when it starts', () => {
      /** NOON is 1,000 s after the boot. */
      const sinceUptime = (placed: string, uptime = 1_000) => {
        const decided = move(nodeRebootWith({}), { sentinel: { ...sentinel, placed }, uptime });
        return decided.kind === 'report' ? decided.report.sinceUptime : undefined;
      };

      it('goes by the stamp of the kernel, so that one that was there after the boot is known as such', () => {
        expect(sinceUptime('2026-11-02T11:45:00.000Z'), '100 s after the boot').to.equal(100);
      });

      it('takes one that outlived its boot for there since the beginning', () => {
        expect(sinceUptime('2026-11-01T00:00:00.000Z')).to.equal(0);
      });

      it('does not believe a stamp of the future, nor one that is none', () => {
        expect(sinceUptime('2026-11-02T12:00:01.000Z')).to.equal(1_000);
        expect(sinceUptime('')).to.equal(1_000);
      });

      it('is never later than it was seen, and never before the boot, whatever the wall clock has done', () => {
        const instants = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') });
        fc.assert(
          fc.property(instants, fc.double({ min: 0, max: 1e8, noNaN: true }), (placed, uptime) => {
            expect(sinceUptime(placed.toISOString(), uptime)).to.be.within(0, Math.round(uptime));
          }),
        );
      });

      it('leaves what has been reported in this boot as it is', () => {
        const before = {
          bootID: 'boot-1-of-n1',
          rebootRequired: true,
          since: '2026-11-02T11:50:00Z',
          sinceUptime: 400,
        };
        const decided = move(nodeRebootWith(before), { sentinel: { ...sentinel, placed: '2026-11-01T00:00:00.000Z' } });
        expect(decided).to.have.property('report').that.includes({ sinceUptime: 400 });
      });
    });

    it('comes before everything else, so that the controller decides from what is true', () => {
      const nodeReboot = accepted({ bootID: 'boot-0' });
      expect(move(nodeReboot).kind).to.equal('report');
    });

    it('cuts reasons to what a NodeReboot takes', () => {
      const reasons = Array.from({ length: 99 }, (_, index) => `${index}${'x'.repeat(400)}`);
      const decided = move(nodeRebootWith({}), { sentinel: { ...sentinel, reasons } });
      const said = decided.kind === 'report' ? (decided.report.reasons ?? []) : [];
      expect(said).to.have.length(64);
      expect(Math.max(...said.map(({ length }) => length))).to.equal(256);
    });

    it('leaves no half of a character at the cut, which would be stored as another and reported for ever', () => {
      const decided = move(nodeRebootWith({}), { sentinel: { ...sentinel, reasons: [`${'x'.repeat(255)}😀`] } });
      const said = decided.kind === 'report' ? decided.report.reasons?.[0] : '';
      expect(said).to.equal(`${'x'.repeat(255)}\ufffd`);
    });

    it('is written once: what the patch makes of the status needs no other, whatever was there before', () => {
      const reports = fc.record<AgentReport>(
        {
          bootID: fc.constantFrom('boot-0', 'boot-1-of-n1'),
          nodeUID: fc.constant('other'),
          version: fc.constant('0.0.9'),
          rebootRequired: fc.boolean(),
          since: fc.constant('2026-11-01T00:00:00Z'),
          sinceUptime: fc.nat(),
          changed: fc.constant('2026-11-01T00:00:00Z'),
          reasons: fc.array(fc.string(), { maxLength: 3 }),
          reboot: fc.record(
            { able: fc.boolean(), method: fc.string(), reason: fc.string() },
            { requiredKeys: ['able'] },
          ),
          accepted: fc.constant('old'),
        },
        { requiredKeys: [] },
      );
      const states = fc.record({
        sentinel: fc.oneof(
          fc.constant({ required: false, changed: '', placed: '', reasons: [] }),
          fc.record({
            required: fc.constant(true),
            changed: fc.constant('2026-11-02T11:00:00Z'),
            placed: fc.constantFrom('', '2026-11-01T00:00:00Z', '2026-11-02T11:59:00Z', '2026-11-03T00:00:00Z'),
            reasons: fc.array(fc.string({ unit: 'grapheme', maxLength: 600 }), { maxLength: 80 }),
          }),
        ),
        probe: fc.oneof(
          fc.constant(null),
          fc.constant({ able: true as const, method: 'Testbed' }),
          fc.record({ able: fc.constant(false as const), reason: fc.string(), method: fc.string() }),
          fc.record({ able: fc.constant(false as const), reason: fc.string() }),
        ),
        uptime: fc.double({ min: 0, max: 1e7, noNaN: true }),
      });
      fc.assert(
        fc.property(reports, states, (agent, state) => {
          const nodeReboot = aNodeReboot('n1');
          const decided = decideAgent({ ...nodeReboot, status: { agent } }, aState(state));
          fc.pre(decided.kind === 'report');
          // Through the bytes of the request, in which half a character does not survive.
          const sent = Buffer.from(JSON.stringify(reportPatch(decided.report))).toString();
          const wellFormed = JSON.parse(sent.replace(/\\ud[89a-f][0-9a-f]{2}/g, '\ufffd'));
          const stored = mergePatch(agent, wellFormed) as AgentReport;
          const later = aState({ ...state, uptime: state.uptime + 60, now: NOON + 60_000 });
          expect(decideAgent({ ...nodeReboot, status: { agent: stored } }, later)).to.deep.equal({ kind: 'wait' });
          expect(stored.accepted, 'and leaves the rest of the status alone').to.equal(agent.accepted);
        }),
      );
    });
  });

  it('is to do nothing for the NodeReboot of an earlier node of its name', () => {
    const nodeReboot = accepted();
    nodeReboot.spec.nodeUID = 'uid-of-earlier';
    const why = 'the NodeReboot belongs to another node of this name';
    expect(move(nodeReboot)).to.deep.equal({ kind: 'wait', why, refused: ID });
    delete nodeReboot.spec.reboot;
    expect(move(nodeReboot)).to.deep.equal({ kind: 'wait', why });
  });

  it('is to probe once for an attempt that asks', () => {
    const spec = { prepare: { attemptID: ID } };
    expect(move(nodeRebootWith({}, spec))).to.deep.equal({ kind: 'probe', attemptID: ID });
    expect(move(nodeRebootWith({ prepared: { attemptID: 'old', able: true } }, spec)).kind).to.equal('probe');
    expect(move(nodeRebootWith({ prepared: { attemptID: ID, able: false } }, spec)).kind).to.equal('wait');
  });

  describe('on a request', () => {
    it('is to accept it at the time of the boot-time clock', () => {
      expect(move(asked())).to.deep.equal({ kind: 'accept', attemptID: ID, uptime: 1_000 });
      expect(move(asked({ accepted: 'old', orders: 1, failed: { attemptID: 'old', reason: '' } })).kind).to.equal(
        'accept',
      );
    });

    const refusals: Record<string, [NodeReboot, string]> = {
      'was made to another boot': [asked({}, { fromBootID: 'boot-0' }), 'the request is made to another boot'],
      'was made through another NodeReboot': [
        asked({}, { nodeRebootUID: 'other' }),
        'the request was made through another NodeReboot',
      ],
      'it has reported as failed': [
        asked({ failed: { attemptID: ID, reason: 'x' } }),
        'the attempt has been reported as failed',
      ],
    };
    for (const [what, [nodeReboot, why]] of Object.entries(refusals)) {
      it(`is to refuse one that ${what}, accepted or not`, () => {
        expect(move(nodeReboot)).to.deep.equal({ kind: 'wait', why, refused: ID });
        const agent = { ...nodeReboot.status?.agent, accepted: ID, acceptedUptime: 1_000, orders: 0 };
        expect(move({ ...nodeReboot, status: { agent } })).to.deep.equal({ kind: 'wait', why, refused: ID });
      });
    }
  });

  describe('after it has accepted', () => {
    it('is to count the order before it is given', () => {
      expect(move(accepted())).to.deep.equal({ kind: 'order', attemptID: ID, orders: 1 });
    });

    it('is to wait for the delay, on the boot-time clock', () => {
      const nodeReboot = accepted({}, { delaySeconds: 30 });
      expect(move(nodeReboot, { uptime: 1_010 })).to.deep.equal({ kind: 'wait', seconds: 20 });
      expect(move(nodeReboot, { uptime: 1_030 }).kind).to.equal('order');
    });

    it('is not to order twice in one process', () => {
      const nodeReboot = accepted({ orders: 1 });
      expect(move(nodeReboot, { ordered: new Set([ID]) })).to.deep.equal({
        kind: 'wait',
        why: 'the order has been given',
      });
    });

    it('is to order again after a restart in the same boot, three times in all', () => {
      for (const orders of [1, 2])
        expect(move(accepted({ orders }))).to.deep.equal({ kind: 'order', attemptID: ID, orders: orders + 1 });
      expect(move(accepted({ orders: 3 }))).to.deep.include({ kind: 'wait', refused: ID });
    });

    it('is to fail when the rebooter has certainly refused', () => {
      const state = { refused: new Map([[ID, 'inhibited']]), ordered: new Set([ID]) };
      expect(move(accepted({ orders: 1 }), state)).to.deep.equal({ kind: 'fail', attemptID: ID, reason: 'inhibited' });
    });

    it('is not to say that it failed while an order before the refused one may still be carried out', () => {
      const state = { refused: new Map([[ID, 'inhibited']]), ordered: new Set([ID]) };
      expect(move(accepted({ orders: 2 }), state)).to.deep.include({ kind: 'wait', refused: ID });
    });

    it('is to fail when it is too late for a first order', () => {
      expect(move(accepted(), { uptime: 1_600 }).kind, 'to the last second').to.equal('order');
      expect(move(accepted(), { uptime: 1_600.1 })).to.deep.include({ kind: 'fail', attemptID: ID });
    });

    it('is to say nothing of an order of unknown outcome that is too old to be given again', () => {
      expect(move(accepted({ orders: 1 }), { uptime: 1_601 })).to.deep.include({ kind: 'wait', refused: ID });
    });
  });

  it('is an order only for what it has accepted in this boot, through this object, in time and not too often', () => {
    /** Mostly what fits, so that orders are given at all. */
    const mostly = <T>(usual: T, ...others: T[]) =>
      fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
    const ids = mostly('a', 'b');
    const boots = mostly('b1', 'b2');
    const uids = mostly('u1', 'u2');
    const requests = fc.record<Reboot>({
      attemptID: ids,
      fromBootID: boots,
      nodeRebootUID: uids,
      delaySeconds: mostly(0, 10),
      timeoutSeconds: mostly(100, 1),
      baseline: fc.constant({}),
    });
    const reports = fc.record<AgentReport>(
      {
        accepted: ids,
        acceptedUptime: fc.constantFrom(0, 950, 995, 1_000),
        orders: fc.nat(4),
        failed: fc.record({ attemptID: mostly('b', 'a'), reason: fc.constant('') }),
        prepared: fc.record({ attemptID: ids, able: fc.boolean() }),
      },
      { requiredKeys: [] },
    );
    const states = fc.record({
      bootID: boots,
      nodeUID: mostly('n', 'm'),
      ordered: mostly<string[]>([], ['a'], ['b']).map((attempts) => new Set(attempts)),
      refused: mostly<string[]>([], ['a'], ['b']).map((attempts) => new Map(attempts.map((id) => [id, 'x'] as const))),
    });
    let orders = 0;
    const property = fc.property(requests, reports, states, uids, (reboot, report, changes, uid) => {
      const state = aState(changes);
      const { bootID, nodeUID, version, probe } = state;
      const told = { bootID, nodeUID, version, rebootRequired: false, ...(probe ? { reboot: probe } : {}) };
      const nodeReboot = aNodeReboot('n1', { nodeUID: 'n', reboot }, {});
      nodeReboot.metadata.uid = uid;
      const agent = { ...told, ...report };
      const decided = decideAgent({ ...nodeReboot, status: { agent } }, state);
      if (decided.kind !== 'order') return;
      orders += 1;
      expect(decided.attemptID).to.equal(reboot.attemptID);
      expect(agent.accepted).to.equal(decided.attemptID);
      expect([reboot.fromBootID, reboot.nodeRebootUID, nodeUID]).to.deep.equal([bootID, uid, 'n']);
      expect(agent.failed?.attemptID).not.to.equal(decided.attemptID);
      expect(state.ordered.has(decided.attemptID)).to.equal(false);
      expect(state.refused.has(decided.attemptID)).to.equal(false);
      expect(agent.orders ?? 0).to.be.below(MOST_ORDERS);
      expect(decided.orders).to.equal((agent.orders ?? 0) + 1);
      const since = state.uptime - (agent.acceptedUptime ?? 0);
      expect(since).to.be.within(reboot.delaySeconds, reboot.timeoutSeconds);
    });
    fc.assert(property, { numRuns: 2_000 });
    expect(orders, 'the property has been put to the test').to.be.greaterThan(20);
  });
});
