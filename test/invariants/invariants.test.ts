import { expect } from 'chai';
import type { TimelineEntry } from '../testbed/timeline/timeline.ts';
import { checkInvariants } from './invariants.ts';

interface Shape {
  metadata?: Record<string, unknown>;
  spec?: object;
  status?: object;
}

const CORDONED = {
  metadata: { annotations: { 'drydock.dev/cordon': 'a1', 'drydock.dev/epoch': '1' } },
  spec: { unschedulable: true },
};
const SLOT = { node: 'n1', nodeUID: 'uid-n1', policyUID: 'p', attemptID: 'a1', fromBootID: 'b1', requested: '' };
const REQUEST = { attempt: { id: 'a1' }, reboot: { attemptID: 'a1', fromBootID: 'b1' } };

/** A history, told change by change. */
class History {
  readonly entries: TimelineEntry[] = [];
  readonly #latest = new Map<string, object>();

  has(kind: TimelineEntry['kind'], name: string, { metadata, ...rest }: Shape): this {
    const key = `${kind}/${name}`;
    const object = { ...rest, metadata: { name, namespace: 'default', uid: `uid-${name}`, ...metadata } };
    const previous = this.#latest.get(key);
    const type = previous === undefined ? 'ADDED' : 'MODIFIED';
    this.#latest.set(key, object);
    this.entries.push({
      at: 0,
      type,
      kind,
      name,
      object,
      previous,
      revision: this.entries.length,
    } as unknown as TimelineEntry);
    return this;
  }

  lock(slots: readonly object[], epoch = 1): this {
    const annotations = { 'drydock.dev/slots': JSON.stringify(slots), 'drydock.dev/epoch': String(epoch) };
    return this.has('Lease', 'drydock-lock', { metadata: { annotations } });
  }

  node(name: string, shape: Shape, bootID = 'b1'): this {
    return this.has('Node', name, { ...shape, status: { nodeInfo: { bootID } } });
  }

  broken(maxDisrupted = 1): string {
    try {
      checkInvariants(this.entries, { maxDisrupted });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  }
}

/** A whole reboot as it should be, up to and including the request. */
function requested(): History {
  return new History()
    .node('n1', {})
    .has('NodeReboot', 'n1', {
      spec: {},
      status: { agent: { rebootRequired: true }, verdict: { code: 'WaitsForTurn' } },
    })
    .lock([SLOT])
    .node('n1', CORDONED)
    .lock([{ ...SLOT, requested: 'uid-n1' }])
    .has('NodeReboot', 'n1', {
      spec: REQUEST,
      status: { agent: { rebootRequired: true }, verdict: { code: 'Requested' } },
    });
}

describe('the invariants', () => {
  it('let a reboot pass that is as it should be', () => {
    const history = requested()
      .has('NodeReboot', 'n1', { spec: REQUEST, status: { agent: { accepted: 'a1' } } })
      .node('n1', CORDONED, 'b2')
      .node('n1', {}, 'b2')
      .has('NodeReboot', 'n1', { spec: {}, status: {} })
      .lock([]);
    expect(history.broken()).to.equal('');
  });

  it('let the reboot of an attempt come late that a person has released, in that boot only', () => {
    const released = (boot: string) =>
      requested()
        .has('NodeReboot', 'n1', { spec: {}, status: {} })
        .node('n1', { metadata: { annotations: { 'drydock.dev/released-boot': boot } }, spec: { unschedulable: true } })
        .lock([])
        .node('n1', { spec: { unschedulable: true } }, 'b2');
    expect(released('b1').broken()).to.equal('');
    expect(released('b0').broken()).to.contain('without an accepted attempt');
  });

  it("let the controller's own pod stay only where the policy allows the last node to go", () => {
    const labels = { 'app.kubernetes.io/name': 'drydock', 'app.kubernetes.io/component': 'controller' };
    const controller = { metadata: { labels }, spec: { nodeName: 'n1' }, status: { phase: 'Running' } };
    const asked = (allowLastNode: boolean) =>
      new History()
        .lock([{ ...SLOT, requested: 'uid-n1' }])
        .node('n1', CORDONED)
        .has('Pod', 'drydock-controller', controller)
        .has('NodeReboot', 'n1', {
          spec: { ...REQUEST, attempt: { id: 'a1', policy: { spec: { disruption: { allowLastNode } } } } },
          status: { phase: 'Failed' },
        });
    expect(asked(true).broken()).to.equal('');
    expect(asked(false).broken()).to.contain('with drydock-controller on it');
  });

  const violations: Record<string, [History, string]> = {
    'two nodes cordoned at once': [
      new History()
        .lock([SLOT, { ...SLOT, node: 'n2', attemptID: 'a2' }])
        .node('n1', CORDONED)
        .node('n2', { ...CORDONED, metadata: { annotations: { 'drydock.dev/cordon': 'a2' } } }),
      'at once',
    ],
    'a node that starts while another is cordoned by somebody': [
      new History()
        .node('n1', {})
        .node('n2', { spec: { unschedulable: true } })
        .lock([])
        .lock([SLOT]),
      'unavailable at once',
    ],
    'a cordon without a slot': [new History().lock([]).node('n1', CORDONED), 'which has no slot'],
    'a request to a schedulable node': [
      new History()
        .node('n1', {})
        .lock([{ ...SLOT, requested: 'uid-n1' }])
        .has('NodeReboot', 'n1', { spec: REQUEST }),
      'while schedulable',
    ],
    'a request with pods on the node': [
      requestAfter((history) => history.has('Pod', 'web', { spec: { nodeName: 'n1' }, status: { phase: 'Running' } })),
      'with web on it',
    ],
    'a request without a mark': [
      new History().lock([SLOT]).node('n1', CORDONED).has('NodeReboot', 'n1', { spec: REQUEST }),
      'without a marked slot',
    ],
    'a request from another boot': [
      new History()
        .lock([{ ...SLOT, requested: 'uid-n1' }])
        .node('n1', CORDONED, 'b0')
        .has('NodeReboot', 'n1', { spec: REQUEST }),
      'from another boot',
    ],
    'a request to a paused node': [
      requestAfter((history) =>
        history.node('n1', {
          ...CORDONED,
          metadata: { annotations: { ...CORDONED.metadata.annotations, 'drydock.dev/pause': 'x' } },
        }),
      ),
      'while paused',
    ],
    'a reboot of a node that is schedulable again': [
      requested()
        .has('NodeReboot', 'n1', { spec: REQUEST, status: { agent: { accepted: 'a1' } } })
        .node('n1', {})
        .node('n1', {}, 'b2'),
      'while schedulable',
    ],
    'a reboot after the request was withdrawn': [
      requested().node('n1', {}).has('NodeReboot', 'n1', { spec: {} }).lock([]).node('n1', {}, 'b2'),
      'without an accepted attempt',
    ],
    'two reboots for one attempt': [
      requested()
        .has('NodeReboot', 'n1', { spec: REQUEST, status: { agent: { accepted: 'a1' } } })
        .node('n1', CORDONED, 'b2')
        .node('n1', CORDONED, 'b3'),
      'rebooted twice',
    ],
    'an attempt that cordons again': [
      new History().lock([SLOT]).node('n1', CORDONED).node('n1', {}).node('n1', CORDONED),
      'cordoned again',
    ],
    'an epoch that falls': [new History().lock([], 2).lock([], 1), 'the epoch of the lock fell'],
    'an eviction from a node without a slot': [evictedFrom('n2'), 'evicted from n2'],
    'a node that stays cordoned': [requested(), 'stayed cordoned at the end'],
    'a slot that outlives its node': [new History().lock([SLOT]), 'outlived it at the end'],
    'a slot without an attempt': [new History().node('n1', {}).lock([SLOT]), 'attempts of none, slots of n1'],
    'a node that waits without a verdict': [
      new History()
        .node('n1', {})
        .lock([])
        .has('NodeReboot', 'n1', { spec: {}, status: { agent: { rebootRequired: true } } }),
      'wait without a verdict',
    ],
  };

  const leaving = (attempt: object, metadata = {}) => {
    const history = new History().lock([{ ...SLOT, requested: 'uid-n1' }]).node('n1', CORDONED);
    const spec = { ...REQUEST, attempt: { ...REQUEST.attempt, ...attempt } };
    return history
      .has('Pod', 'web', { metadata, spec: { nodeName: 'n1' } })
      .has('NodeReboot', 'n1', { spec })
      .broken();
  };
  const under = (drain: object) => ({ policy: { spec: { drain } } });
  const apart = under({ podSelector: { matchLabels: { app: 'web' } } });
  const impatient = under({ skipWaitForDeleteTimeout: '1m' });
  const left: Record<string, [object, object, boolean]> = {
    'once the drain was given up for the reboot': [{ escalation: { kind: 'Reboot' } }, {}, true],
    'that were to be deleted': [{ escalation: { kind: 'Delete' } }, {}, false],
    'that the policy does not select': [apart, {}, true],
    'that the policy selects': [apart, { labels: { app: 'web' } }, false],
    'that hang in their end, if the policy goes on without them': [impatient, { deletionTimestamp: 'now' }, true],
    'that are not being deleted, even then': [impatient, {}, false],
    'that hang in their end': [{}, { deletionTimestamp: 'now' }, false],
  };
  for (const [which, [attempt, metadata, passes]] of Object.entries(left)) {
    it(`${passes ? 'let pass' : 'catch'} a request with pods on the node ${which}`, () => {
      expect(leaving(attempt, metadata).includes('with web on it')).to.equal(!passes);
    });
  }

  for (const [what, [history, said]] of Object.entries(violations)) {
    it(`catch ${what}`, () => {
      expect(history.broken()).to.contain(said);
    });
  }
});

/** Everything up to the request, with something that should have kept it from being written. */
function requestAfter(change: (history: History) => History): History {
  const history = new History().lock([{ ...SLOT, requested: 'uid-n1' }]).node('n1', CORDONED);
  return change(history).has('NodeReboot', 'n1', { spec: REQUEST });
}

function evictedFrom(nodeName: string): History {
  const conditions = [{ type: 'DisruptionTarget', reason: 'EvictionByEvictionAPI' }];
  const pod = { spec: { nodeName }, status: { conditions } };
  return new History()
    .lock([SLOT])
    .has('Pod', 'web', pod)
    .has('Pod', 'web', { ...pod, metadata: { deletionTimestamp: 'now' } });
}
