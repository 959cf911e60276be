import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Machine } from './machine/machine.ts';
import { waitFor } from './process/wait.ts';
import { TestBed } from './testbed.ts';

const account = `
apiVersion: v1
kind: Namespace
metadata: {name: drydock-agents}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: drydock-agent, namespace: drydock-agents}
`;

describe('a machine of the test bed', () => {
  let bed: TestBed;
  let machine: Machine;

  before(async () => {
    bed = await TestBed.start();
  });

  after(() => bed?.stop());

  it('says what is missing when it has no account for its agent', async () => {
    const error = await bed.machine('early').catch((e: Error) => e);
    expect(error).to.be.an('error').with.property('message').that.contains('installDrydock()');
  });

  describe('with an agent', () => {
    before(async () => {
      await bed.apply(account);
      const program = [process.execPath, join(import.meta.dirname, 'fixtures', 'agent.ts')] as const;
      machine = await bed.machine('m1', { program: [...program], agentArgs: ['--more', 'yes'] });
      await starts(1);
    });

    it('gives the agent a boot ID, the API server and a token of its own', async () => {
      const [args] = await starts(1);
      const node = await bed.core.readNode({ name: 'm1' });
      expect(args).to.include({ 'node-name': 'm1', more: 'yes', server: bed.control.server });
      expect(args?.bootId).to.equal(node.status?.nodeInfo?.bootID).and.to.equal(machine.bootId);
      expect(readFileSync(String(args?.['token-file']), 'utf8')).to.match(/^ey/);
    });

    it('reboots when its rebooter is ordered to, and starts the agent anew', async () => {
      const before = machine.bootId;
      machine.requireReboot(['linux-image-amd64', 'libc6']);
      expect(readFileSync(machine.files.packages, 'utf8')).to.equal('linux-image-amd64\nlibc6\n');
      const started = Date.now();
      await waitFor('the order', () => machine.rebooter.orders.length > 0, { timeoutMs: 5_000 });
      await waitFor('the agent of the new boot', async () => (await starts(2)).length === 2, { timeoutMs: 30_000 });
      console.log(`      reboot by order: ${Date.now() - started} ms`);
      expect(machine.rebooter.orders[0]).to.include({ attemptID: 'attempt-1' });
      expect(machine.bootIds).to.deep.equal([before, machine.bootId]).and.have.length(2);
      expect((await starts(2))[1]?.bootId)
        .to.equal(machine.bootId)
        .and.not.equal(before);
      expect(existsSync(machine.files.sentinel), '/run is empty after a reboot').to.equal(false);
    });

    it('counts its uptime from the boot', async () => {
      const uptime = (): number => Number(readFileSync(machine.files.uptimeFile, 'utf8').split(' ')[0]);
      const first = uptime();
      expect(first).to.be.within(0, 60);
      await waitFor('a later uptime', () => uptime() > first, { timeoutMs: 5_000 });
    });

    it('comes back only when it is switched on if it is to stay down', async () => {
      const before = machine.bootId;
      machine.staysDown = true;
      machine.beginReboot();
      await waitFor('NotReady', async () => !(await isReady()), { timeoutMs: 20_000 });
      expect(machine.rebooting).to.equal(true);
      expect(machine.bootId).to.equal(before);
      await machine.powerOn();
      expect(machine.bootId).to.not.equal(before);
      expect(await isReady()).to.equal(true);
    });

    it('keeps a killed agent dead through a reboot', async () => {
      await machine.killAgent();
      await machine.reboot();
      expect(machine.agent).to.equal(undefined);
    });

    it('takes its node with it when it is removed', async () => {
      await machine.remove();
      expect((await bed.api.send('/api/v1/nodes/m1')).status).to.equal(404);
    });
  });

  async function starts(count: number): Promise<Record<string, unknown>[]> {
    const lines = (): string[] => readFileSync(machine.agentLogFile, 'utf8').split('\n').filter(Boolean);
    const options = { timeoutMs: 30_000, explain: () => machine.agent?.logTail() ?? '' };
    await waitFor(`start ${count} of the agent`, () => lines().length >= count, options);
    return lines().map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async function isReady(): Promise<boolean> {
    const node = await bed.core.readNode({ name: 'm1' });
    return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  }
});
