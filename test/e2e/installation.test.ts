import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { controllerAccount } from '../testbed/controller/controller.ts';
import { waitFor } from '../testbed/process/wait.ts';
import { harbourForEach, SOON } from './support/harbour.ts';

const projectRoot = join(import.meta.dirname, '..', '..');

describe('what is lost of the installation in the middle of a reboot', () => {
  const harbour = harbourForEach();

  it('the namespace: what is left is found by its label, and a controller that is installed anew goes on', async () => {
    const h = harbour();
    const { machine, controller } = await h.beginDrain();
    const attemptID = h.nodeReboot('n1')?.spec.attempt?.id;
    await h.kubectl('delete', 'namespace', controllerAccount.namespace, '--timeout=60s');
    await controller.kill();
    expect(await h.kubectl('get', 'nodes', '-l', 'drydock.dev/cordoned', '-o', 'name')).to.equal('node/n1\n');
    expect(await h.kubectl('get', 'nrb', 'n1', '-o', 'wide')).to.contain('Draining');

    h.forgeFromNow();
    await h.bed.installDrydock();
    await h.letDrain();
    await h.startController();
    await h.untilBack(machine, 1);
    expect(h.nodeReboot('n1')?.status?.history?.map((entry) => entry.attemptID)).to.deep.equal([attemptID]);
    expect(machine.rebooter.orders).to.have.length(1);
  });

  it('the resource definitions: a node that drains is put back, and everything goes on when they are there again', async () => {
    const h = harbour();
    const { machine } = await h.beginDrain();
    await h.kubectl('delete', 'crd', 'nodereboots.drydock.dev', 'rebootpolicies.drydock.dev', '--timeout=60s');
    await waitFor('the node to be put back', () => !h.isCordoned('n1') && h.slots().length === 0, { timeoutMs: SOON });
    expect(machine.rebooter.orders).to.have.length(0);

    await h.bed.installDrydock();
    await h.letDrain();
    await h.applyPolicy();
    await h.untilBack(machine, 1);
  });

  it('the resource definitions, while a reboot is accepted: the node keeps cordon and slot until they are there again', async () => {
    const h = harbour();
    const { machine } = await h.beginReboot({ onOrder: 'ignore' });
    await h.kubectl('delete', 'crd', 'nodereboots.drydock.dev', 'rebootpolicies.drydock.dev', '--wait=false');
    await h.until('the end of the NodeReboot', ({ kind, type }) => kind === 'NodeReboot' && type === 'DELETED');
    await machine.reboot();
    expect(h.isCordoned('n1')).to.equal(true);
    expect(h.slots()).to.deep.equal(['n1']);

    await h.kubectl('wait', '--for=delete', 'crd/nodereboots.drydock.dev', '--timeout=60s');
    await h.bed.installDrydock();
    await h.until('the slot to be freed', () => h.slots().length === 0);
    // Its finalizer kept the policy, and with it its definition, for as long as its node was in flight.
    await h.kubectl('wait', '--for=delete', 'crd/rebootpolicies.drydock.dev', '--timeout=60s');
    await h.bed.installDrydock();
    await h.applyPolicy();
    await h.untilBack(machine, 1);
    expect(machine.rebooter.orders).to.have.length(1);
  });

  it('the resource definitions of this release, for those of the one before: nodes are rebooted, and nothing is written without end', async () => {
    const h = harbour();
    await h.bed.apply(previousDefinitions());
    const { machine } = await h.begin();
    await h.reboot(machine);
    expect(h.nodeReboot('n1')?.status?.history?.[0]).to.include({ outcome: 'Rebooted' });
    const freezes = [{ from: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z', reason: 'quiet' }];
    await h.applyPolicy({ schedule: { freezes } });
    machine.requireReboot(['linux-image-2']);
    await h.untilVerdict('n1', 'Frozen');
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    const since = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    const writes = h.bed.audit
      .requests({ since })
      .filter(({ user, verb }) => user.startsWith('system:serviceaccount:drydock') && verb === 'patch')
      .filter(({ name }) => name !== 'drydock-leader');
    expect(writes.map(({ resource, name }) => `${resource}/${name}`)).to.deep.equal([]);
  });
});

/** The resource definitions of the release before this one. */
function previousDefinitions(): string {
  const commit = readFileSync(join(import.meta.dirname, 'previous-release'), 'utf8').trim();
  const git = (...args: string[]) => execFileSync('git', args, { cwd: projectRoot, encoding: 'utf8' });
  const files = git('ls-tree', '--name-only', commit, 'crds/').trim().split('\n');
  return files.map((file) => git('show', `${commit}:${file}`)).join('\n---\n');
}
