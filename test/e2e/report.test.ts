import { expect } from 'chai';
import type { NodeReboot } from '../../src/core/model.ts';
import { slotsOf } from '../invariants/world.ts';
import { controllerAccount } from '../testbed/controller/controller.ts';
import { harbourForEach } from './support/harbour.ts';

/** Who the API server takes the controller for. */
const CONTROLLER = `system:serviceaccount:${controllerAccount.namespace}:${controllerAccount.name}`;

describe('a policy that only reports', () => {
  const harbour = harbourForEach();

  it('has the controller write what people read, and nothing else, whatever nodes and people ask for', async () => {
    const h = harbour();
    const { machines } = await h.begin({ machines: ['n1', 'n2', 'n3'], policy: { mode: 'Report' } });
    await h.deploy({ name: 'web', replicas: 4, minAvailable: 4, nodeSelector: { role: 'worker' } });
    const cordoned = h.timeline.mark();
    await h.kubectl('cordon', 'n3');
    const [first, second, third] = machines;
    first?.requireReboot(['linux-image-6.8.0']);
    await h.untilVerdict('n1', 'BudgetUsed', cordoned);
    await h.kubectl('uncordon', 'n3');
    await h.untilVerdict('n1', 'ReportOnly', cordoned);
    second?.requireReboot();
    await h.untilVerdict('n2', 'WaitsForTurn', cordoned);
    await h.annotate('nodereboot', 'n3', 'drydock.dev/reboot-now=');
    third?.requireReboot();
    await h.untilVerdict('n3', 'WaitsForTurn', cordoned);
    expect(h.nodeReboot('n3')?.metadata.annotations).to.have.property('drydock.dev/reboot-now');
    await h.untilPolicy('Ready', 'True', 'ReportOnly');

    expect(written(h.bed.audit.requests({ user: CONTROLLER }))).to.deep.equal([
      'create leases',
      'create nodereboots',
      'patch leases',
      'patch nodereboots/status',
      'patch rebootpolicies/status',
    ]);
    const specs = h.timeline.ordered('NodeReboot').map(({ object }) => (object as unknown as NodeReboot).spec);
    const asked = new Set(specs.flatMap((spec) => Object.keys(spec)));
    expect([...asked].sort(), 'all that was ever in a spec').to.deep.equal(['nodeUID']);
    const slots = h.timeline.ordered('Lease', 'drydock-lock').map(({ object }) => slotsOf(object as never).length);
    expect(Math.max(...slots), 'slots').to.equal(0);
    for (const { rebooter, bootIds } of machines) {
      expect(rebooter.orders).to.have.length(0);
      expect(bootIds).to.have.length(1);
    }
  });
});

/** What was changed, or asked to be; a dry run changes nothing. */
function written(requests: readonly { verb: string; resource: string; uri: string }[]): string[] {
  const changes = requests.filter(
    ({ verb, uri }) => !['get', 'list', 'watch'].includes(verb) && !/dryRun=All/.test(uri),
  );
  return [...new Set(changes.map(({ verb, resource }) => `${verb} ${resource}`))].sort();
}
