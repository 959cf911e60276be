import { expect } from 'chai';
import { harbourForEach } from './support/harbour.ts';

describe('gates and windows', () => {
  const harbour = harbourForEach();

  it('starts nothing while an alert is active, names it, and goes on when it has cleared', async () => {
    const h = harbour();
    const prometheus = await h.bed.prometheus();
    await prometheus.fire('Watchdog');
    await prometheus.fire('DiskFillsUp', { labels: { severity: 'critical' } });
    const { machine } = await h.begin({ policy: { gates: { prometheus: { url: prometheus.url } } } });
    machine.requireReboot();

    await h.untilVerdict('n1', 'ActiveAlerts');
    expect(h.nodeReboot('n1')?.status?.verdict?.message).to.contain('DiskFillsUp').and.not.contain('Watchdog');
    await h.untilPolicy('Blocked', 'True', 'ActiveAlerts');
    expect(h.slots()).to.deep.equal([]);

    await prometheus.clear('DiskFillsUp');
    await h.untilBack(machine, 1);
    expect(await prometheus.alerts(), 'the always-firing alert').to.have.length(1);
  });

  it('asks again when the node is drained, and puts it on hold while an alert has come up meanwhile', async () => {
    const h = harbour();
    const prometheus = await h.bed.prometheus();
    const { machine } = await h.beginDrain({ policy: { gates: { prometheus: { url: prometheus.url } } } });

    await prometheus.fire('DatabaseIsDown');
    await h.letDrain();
    await h.untilVerdict('n1', 'ActiveAlerts');
    expect(h.nodeReboot('n1')?.spec.reboot, 'a request').to.equal(undefined);
    expect(machine.rebooter.orders).to.have.length(0);

    await prometheus.clear('DatabaseIsDown');
    await h.untilBack(machine, 1);
  });

  it('takes a Prometheus that does not answer for a closed gate', async () => {
    const h = harbour();
    const prometheus = await h.bed.prometheus();
    await prometheus.stop();
    const { machine } = await h.begin({ policy: { gates: { prometheus: { url: prometheus.url } } } });
    machine.requireReboot();

    await h.untilVerdict('n1', 'GateUnanswered');
    expect(h.slots()).to.deep.equal([]);

    await prometheus.restart();
    await h.untilBack(machine, 1);
  });

  it('starts nothing outside its windows, says when the next one opens, and starts when the window is there', async () => {
    const h = harbour();
    const month = (new Date().getUTCMonth() + 6) % 12;
    const windows = [{ cron: `0 3 1 ${month + 1} *`, duration: '2h' }];
    const { machine } = await h.begin({ policy: { schedule: { windows } } });
    machine.requireReboot();

    const waits = await h.untilVerdict('n1', 'OutsideWindow');
    const { nextCheck } = h.nodeReboot('n1')?.status?.verdict ?? {};
    expect(new Date(nextCheck ?? '').getUTCMonth(), JSON.stringify(waits.object)).to.equal(month);
    expect(h.slots()).to.deep.equal([]);

    await h.applyPolicy({ schedule: { windows: [{ cron: '* * * * *', duration: '1h' }] } });
    await h.untilBack(machine, 1);
  });

  it('starts nothing in a freeze, even inside a window', async () => {
    const h = harbour();
    const freezes = [{ from: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z', reason: 'the long sale' }];
    const windows = [{ cron: '* * * * *', duration: '1h' }];
    const { machine } = await h.begin({ policy: { schedule: { windows, freezes } } });
    machine.requireReboot();
    await h.untilVerdict('n1', 'Frozen');
    expect(h.nodeReboot('n1')?.status?.verdict?.message).to.contain('the long sale');
    expect(h.slots()).to.deep.equal([]);
  });

  it('withdraws a drain when its window ends, and puts the node back', async () => {
    const h = harbour();
    const { machine } = await h.begin({ held: true, policy: { mode: 'Report' } });
    const closes = new Date(Math.ceil((Date.now() + 12_000) / 60_000) * 60_000);
    const opens = new Date(closes.getTime() - 60_000);
    const cron = `${opens.getUTCMinutes()} ${opens.getUTCHours()} * * *`;
    await h.waitUntilClock(opens);
    await h.applyPolicy({ schedule: { windows: [{ cron, duration: '1m' }], expectedDuration: '1s' } });
    machine.requireReboot();
    await h.untilVerdict('n1', 'DrainBlocked');

    await h.untilVerdict('n1', 'OutsideWindow');
    expect(h.isCordoned('n1')).to.equal(false);
    expect(h.nodeReboot('n1')?.status?.history?.[0]).to.include({ outcome: 'Interrupted', code: 'OutsideWindow' });
    expect(machine.rebooter.orders).to.have.length(0);
  }).timeout(180_000);
});
