import { expect } from 'chai';
import { readPolicies } from '../../src/core/policy/owners.ts';
import { matches } from '../../src/core/policy/selector.ts';
import { aNode, aPolicy } from '../support/cluster.ts';

describe('a label selector', () => {
  const labels = { role: 'worker', zone: 'a', empty: '' };
  const expression = (key: string, operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', values?: string[]) => ({
    matchExpressions: [{ key, operator, ...(values ? { values } : {}) }],
  });
  const cases: [object, boolean][] = [
    [{}, true],
    [{ matchLabels: { role: 'worker', zone: 'a' } }, true],
    [{ matchLabels: { role: 'worker', zone: 'b' } }, false],
    [{ matchLabels: { missing: '' } }, false],
    [{ matchLabels: { empty: '' } }, true],
    [expression('zone', 'In', ['a', 'b']), true],
    [expression('zone', 'In', ['b']), false],
    [expression('missing', 'In', ['a']), false],
    [expression('zone', 'NotIn', ['a']), false],
    [expression('zone', 'NotIn', ['b']), true],
    [expression('missing', 'NotIn', ['a']), true],
    [expression('empty', 'Exists'), true],
    [expression('missing', 'Exists'), false],
    [expression('missing', 'DoesNotExist'), true],
    [expression('empty', 'DoesNotExist'), false],
    [{ matchLabels: { role: 'worker' }, ...expression('zone', 'In', ['b']) }, false],
  ];
  for (const [selector, expected] of cases) {
    it(`${expected ? 'takes' : 'leaves'} the labels by ${JSON.stringify(selector)}`, () => {
      expect(matches(selector, labels)).to.equal(expected);
    });
  }
});

describe('the owner of a node', () => {
  const older = aPolicy({}, 'z-older');
  const aged = (name: string, creationTimestamp: string) => {
    const policy = aPolicy({}, name);
    return { ...policy, metadata: { ...policy.metadata, creationTimestamp } };
  };
  const nodes = [aNode('n1'), aNode('n2'), aNode('spare', { labels: {} })];
  const owned = (policies: Parameters<typeof readPolicies>[0]) =>
    readPolicies(policies, nodes).map(({ name, nodes: own }) => `${name}: ${own.map((node) => node.name).join(' ')}`);

  it('is the oldest policy that selects it, and by name among those of one age', () => {
    expect(owned([aged('a-younger', '2026-02-01T00:00:00Z'), older])).to.deep.equal(['z-older: n1 n2', 'a-younger: ']);
    expect(owned([aPolicy({}, 'b'), aPolicy({}, 'a')])).to.deep.equal(['a: n1 n2', 'b: ']);
  });

  it('is known to the policies that lose it', () => {
    const [, younger] = readPolicies([aged('younger', '2026-02-01T00:00:00Z'), older], nodes);
    expect(younger?.overlaps).to.deep.equal([
      { node: 'n1', owner: 'z-older' },
      { node: 'n2', owner: 'z-older' },
    ]);
  });

  it('stays a policy that cannot be understood: a younger one does not take over what a person meant otherwise', () => {
    const broken = aPolicy({ settle: 'soon' }, 'broken');
    const [first, second] = readPolicies([broken, aged('younger', '2026-02-01T00:00:00Z')], nodes);
    expect(first).to.include({ name: 'broken', rules: null });
    expect(first?.problems).to.have.length(1);
    expect(first?.nodes).to.have.length(2);
    expect(second?.nodes).to.deep.equal([]);
  });

  it('is told everything that is wrong with its schedule and its gates', () => {
    const [read] = readPolicies(
      [
        aPolicy({
          schedule: { timeZone: 'UTC', windows: [{ cron: 'x', duration: '1h' }] },
          gates: { prometheus: { url: 'http://p', alerts: { ignore: [{ name: '(' }] } } },
        } as Parameters<typeof aPolicy>[0]),
      ],
      nodes,
    );
    expect(read?.rules).to.equal(null);
    expect(read?.problems.length).to.be.at.least(1);
  });
});
