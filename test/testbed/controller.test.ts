import { join } from 'node:path';
import { expect } from 'chai';
import type { ControllerProcess } from './controller/controller.ts';
import { TestBed } from './testbed.ts';

const account = `
apiVersion: v1
kind: Namespace
metadata: {name: drydock}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: drydock-controller, namespace: drydock}
`;

describe('a controller of the test bed', () => {
  let bed: TestBed;
  let controller: ControllerProcess;

  before(async () => {
    bed = await TestBed.start();
    await bed.apply(account);
    const program = [process.execPath, join(import.meta.dirname, 'fixtures', 'controller.ts')] as const;
    controller = await bed.controller({ identity: 'c1', program: [...program] });
  });

  after(() => bed?.stop());

  it('runs as its ServiceAccount, with its name and namespace', async () => {
    await controller.waitForLog('system:serviceaccount:drydock:drydock-controller', { timeoutMs: 5_000 });
    const [line] = controller.log('listening');
    expect(line?.fields).to.include({ identity: 'c1', namespace: 'drydock' });
  });

  it('is asked for its health and its metrics', async () => {
    expect(await controller.healthz()).to.deep.equal({ status: 200, text: 'ok' });
    expect(await controller.readyz()).to.deep.equal({ status: 503, text: 'not yet' });
    expect(await controller.metric('steps')).to.equal(5.5);
    expect(await controller.metric('steps', { kind: 'a"b' })).to.equal(2);
    expect(await controller.metric('steps', { kind: 'none' })).to.equal(undefined);
  });

  it('does not answer while it is frozen', async () => {
    controller.freeze();
    const frozen = await Promise.race([controller.healthz(), new Promise((r) => setTimeout(r, 300, 'no answer'))]);
    expect(frozen).to.equal('no answer');
    controller.thaw();
    expect((await controller.healthz()).status).to.equal(200);
  });

  it('is stopped, started again, and killed', async () => {
    expect(await controller.stop()).to.deep.equal({ code: 0 });
    expect(controller.log('stopping')).to.have.length(1);
    const lines = controller.log().length;
    await controller.start();
    await controller.waitForLog(/"listening"/, { timeoutMs: 5_000, after: lines });
    await controller.kill();
    expect(controller.running).to.equal(false);
    expect(controller.log('stopping'), 'nothing orderly about it').to.have.length(1);
  });

  it('ends a wait for its log when it has died', async () => {
    const error = await controller.waitForLog('never', { timeoutMs: 60_000 }).catch((e: Error) => e);
    expect(error).to.be.an('error').with.property('message').that.contains('ended with code 137');
  });
});
