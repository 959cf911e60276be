import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { TcpProxy } from '../support/tcpProxy.ts';
import type { Machine } from '../testbed/machine/machine.ts';
import { harbourForEach } from './support/harbour.ts';

interface Line {
  message: string;
  attemptID?: string;
  [field: string]: unknown;
}

describe('an agent', () => {
  const harbour = harbourForEach();

  const logOf = (machine: Machine): Line[] =>
    readFileSync(machine.agentLogFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  const healthOf = async (machine: Machine): Promise<number> => {
    const address = logOf(machine).findLast(({ message }) => message === 'agent started')?.health;
    return (await fetch(`http://${address}/healthz`, { signal: AbortSignal.timeout(5_000) })).status;
  };

  it('reports over a new connection when a load balancer has forgotten the old one, and is healthy without an API server', async () => {
    const h = harbour();
    const proxy = await TcpProxy.listen(Number(new URL(h.bed.control.server).port));
    h.bed.onStop(async () => proxy.close());
    await h.addSpareNode();
    const machine = await h.addMachine('n1', { agentArgs: ['--server', `https://127.0.0.1:${proxy.port}`] });
    await h.startController();
    await h.applyPolicy({ mode: 'Report' });
    await h.untilVerdict('n1', 'NotRequired');
    expect(await healthOf(machine)).to.equal(200);

    proxy.swallow();
    machine.requireReboot(['libc6']);
    await h.untilVerdict('n1', 'ReportOnly');
    const failures = logOf(machine).filter(({ message }) => message === 'a step of the agent failed');
    expect(failures.map(({ error }) => error)).to.deep.equal([
      'PATCH /apis/drydock.dev/v1alpha1/nodereboots/n1/status: no answer within 10000 ms',
    ]);

    await h.bed.stopApiServer();
    expect(await healthOf(machine)).to.equal(200);
  });

  it('leaves a line in its log of each thing that it does for an attempt, with the ID of the attempt', async () => {
    const h = harbour();
    await h.addSpareNode();
    const machine = await h.addMachine('n1');
    await h.startController();
    await h.applyPolicy();
    machine.requireReboot(['libc6']);
    await h.untilBack(machine, 1);
    const attemptID = h.nodeReboot('n1')?.status?.history?.[0]?.attemptID;
    const lines = logOf(machine).filter((line) => line.attemptID !== undefined);
    expect(new Set(lines.map((line) => line.attemptID))).to.deep.equal(new Set([attemptID]));
    expect(lines.map(({ message }) => message).slice(0, 4)).to.deep.equal([
      'prepared',
      'reboot accepted',
      'ordering the reboot',
      'the rebooter has answered the order',
    ]);
  });
});
