import { expect } from 'chai';
import fc from 'fast-check';
import { stopped } from '../../src/core/queue/pause.ts';
import { stopsOf } from '../../src/core/queue/stops.ts';
import { aNode, aNodeReboot, aPolicy, decideOn, NOON, required } from '../support/cluster.ts';

const said = (value: string | undefined, annotation: 'pause' | 'hold' = 'pause') =>
  stopped(
    {
      annotation,
      where: 'Node n1',
      annotations: value === undefined ? {} : { [`drydock.dev/${annotation}`]: value },
    },
    NOON,
  );

describe('a pause', () => {
  it('is none without its annotation', () => {
    expect(said(undefined)).to.equal(null);
    expect(stopped({ annotation: 'pause', where: 'x', annotations: undefined }, NOON)).to.equal(null);
    expect(stopped({ annotation: 'pause', where: 'x', annotations: { 'drydock.dev/hold': '' } }, NOON)).to.equal(null);
  });

  it('needs no reason', () => {
    expect(said('')).to.deep.equal({
      code: 'Paused',
      message: 'Node n1 is paused by its annotation drydock.dev/pause',
    });
  });

  it('says its reason, and what kind of stop it is', () => {
    expect(said('incident 7', 'hold')).to.deep.equal({
      code: 'Held',
      message: 'Node n1 is held by its annotation drydock.dev/hold: incident 7',
    });
  });

  it('ends at its until, and says when', () => {
    expect(said('incident 7, until=2026-11-02T12:00:01Z')).to.deep.equal({
      code: 'Paused',
      message: 'Node n1 is paused by its annotation drydock.dev/pause: incident 7, until 2026-11-02T12:00:01Z',
      nextCheck: NOON + 1_000,
    });
    expect(said('until=2026-11-02T12:00:00Z incident 7')).to.equal(null);
    expect(said('incident 7 until=2026-11-02T13:59:00+02:00')).to.equal(null);
    expect(said('incident 7,until=2026-11-02T14:00:01+02:00')).to.have.property('nextCheck', NOON + 1_000);
  });

  it('takes no other word for its until', () => {
    expect(said('not-until=2020-01-01T00:00:00Z')).not.to.have.property('nextCheck');
    expect(said('not-until=2020-01-01T00:00:00Z')?.code).to.equal('Paused');
  });

  for (const until of [
    ...['tomorrow', '5', '1', 'monday-9', '10-11', '2020', '2020-01-01', '2020-1-1T00:00:00Z', '2020-01-01T00:00:00'],
    ...['12:00', '2020-13-01T00:00:00Z', '2020-01-01T00:00:00Z,', 'Jan-1-2020', '-1', '0'],
  ]) {
    it(`has no end where its until is ${until}, and says so`, () => {
      const verdict = said(`incident 7 until=${until}`);
      expect(verdict?.code).to.equal('Paused');
      expect(verdict?.message).to.contain(`its until=${until} is not an RFC 3339 time, so it has no end`);
      expect(verdict).not.to.have.property('nextCheck');
    });
  }

  it('is never ended by anything but an RFC 3339 time that has passed', () => {
    const value = fc.string({ unit: 'binary-ascii', maxLength: 30 });
    fc.assert(
      fc.property(value, value, (before, until) => {
        fc.pre(!/\d{4}-\d\d-\d\dT/i.test(before + until));
        expect(said(`${before} until=${until}`)).not.to.equal(null);
        expect(said(before)).not.to.equal(null);
      }),
    );
  });

  it('brings neither control characters nor novels into what people read', () => {
    const message = said(`a\n\u001b[31mb${'x'.repeat(9_000)}`)?.message ?? '';
    expect(message).to.have.length.below(400);
    expect(message).not.to.match(/\p{Cc}/u);
  });
});

describe('the places of a pause', () => {
  const why = { 'drydock.dev/pause': 'why' };
  const nodes = (annotations = {}) => [aNode('n1', { annotations }), aNode('spare', { labels: {} })];
  const nodeReboots = (annotations = {}) => {
    const nodeReboot = aNodeReboot('n1', {}, { agent: required() });
    return [{ ...nodeReboot, metadata: { ...nodeReboot.metadata, annotations } }];
  };
  const policy = aPolicy();
  const places = {
    Everything: { namespaceAnnotations: why, nodes: nodes(), nodeReboots: nodeReboots() },
    'RebootPolicy workers': {
      policies: [{ ...policy, metadata: { ...policy.metadata, annotations: why } }],
      nodes: nodes(),
      nodeReboots: nodeReboots(),
    },
    'Node n1': { nodes: nodes(why), nodeReboots: nodeReboots() },
    'NodeReboot n1': { nodes: nodes(), nodeReboots: nodeReboots(why) },
  };
  for (const [where, given] of Object.entries(places)) {
    it(`are, among others, ${where}`, () => {
      const { plan } = decideOn({ ...given, answers: { nodesFresh: true } });
      expect(plan.lockEdits).to.deep.equal([]);
      expect(plan.waiting.get('n1')?.blockers[0]).to.deep.include({
        code: 'Paused',
        message: `${where} is paused by its annotation drydock.dev/pause: why`,
      });
    });
  }

  it('are everywhere when it is not known whether everything is paused', () => {
    const { plan } = decideOn({ nodes: nodes(), nodeReboots: nodeReboots(), namespaceAnnotations: null });
    expect(plan.lockEdits).to.deep.equal([]);
    expect(plan.waiting.get('n1')?.blockers[0]?.code).to.equal('NamespaceUnread');
  });

  it('are told the widest first', () => {
    const stops = stopsOf(why, policy, aNode('n1'), undefined);
    expect([...new Set(stops.map(({ where }) => where))]).to.deep.equal(Object.keys(places));
  });
});
