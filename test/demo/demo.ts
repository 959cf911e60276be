/**
 * The main job on a real control plane, told as it happens: three nodes require a reboot; an alert holds them back and
 * clears, a PodDisruptionBudget keeps one of them in service and is relaxed, and one after another they reboot and come
 * back.
 *
 *   node test/demo/demo.ts
 *
 * Exits with 0 when every node has been rebooted exactly once and no invariant was broken, with 1 otherwise.
 */

import { styleText } from 'node:util';
import { checkInvariants } from '../invariants/invariants.ts';
import { waitFor } from '../testbed/process/wait.ts';
import { TestBed } from '../testbed/testbed.ts';
import { Narrator } from './narrator.ts';
import { DATABASE, POLICY, SHOP } from './objects.ts';

/** How long a scene may take, in milliseconds. */
const SCENE_TIMEOUT_MS = 120_000;
const NODES = ['node-a', 'node-b', 'node-c'];

async function main(): Promise<void> {
  say('Building what is missing of the control plane (minutes the first time, then nothing), and starting it');
  const bed = await TestBed.start();
  const interrupted = () => void bed.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  try {
    await play(bed);
  } finally {
    process.off('SIGINT', interrupted);
    await bed.stop();
  }
}

async function play(bed: TestBed): Promise<void> {
  say('A real etcd, kube-apiserver, controller-manager and scheduler run on this machine. Installing Drydock');
  await bed.installDrydock();
  const prometheus = await bed.prometheus();
  await bed.createNode('node-spare', { labels: { pool: 'spare' } });
  const machines = await Promise.all(NODES.map((name) => bed.machine(name, { labels: { pool: 'workers' } })));
  await bed.apply(SHOP);
  await bed.apply(DATABASE);
  await bed.kubectl(['rollout', 'status', 'deployment/shop', 'deployment/database', '--timeout=60s']);
  const timeline = await bed.timeline();
  const narrator = new Narrator(timeline, say);
  bed.onStop(async () => narrator.stop());

  say('Four nodes, an agent on three of them, two workloads. Starting the controller, and applying a policy:');
  console.log(POLICY.replaceAll(/^/gm, '      '));
  await bed.controller();
  await prometheus.fire('DiskFillsUp');
  await bed.apply(POLICY.replace('http://prometheus:9090', prometheus.url));

  say('Security patches are installed on all three: each gets a /run/reboot-required');
  for (const machine of machines) machine.requireReboot(['linux-image-6.8.0', 'libssl3']);
  await narrator.untilVerdict('ActiveAlerts', SCENE_TIMEOUT_MS);
  await table(bed);

  say('The alert DiskFillsUp clears; a closed gate is asked again every 15 s');
  await prometheus.clear('DiskFillsUp');
  await narrator.untilVerdict('BackingOff', SCENE_TIMEOUT_MS);
  await table(bed);

  say('That was found out before the node was cordoned, and others go first. Somebody relaxes the PodDisruptionBudget');
  await bed.kubectl(['patch', 'pdb', 'database', '--type=merge', '-p', '{"spec":{"minAvailable":0}}']);
  const done = () => NODES.every((name) => narrator.isBack(name)) || undefined;
  await waitFor('three rebooted nodes', async () => done(), { timeoutMs: SCENE_TIMEOUT_MS });
  await waitFor('their last verdicts', async () => narrator.isQuiet(NODES) || undefined, {
    timeoutMs: SCENE_TIMEOUT_MS,
  });
  await table(bed);

  checkInvariants(timeline.ordered(), { maxDisrupted: 1 });
  const reboots = machines.map(({ name, bootIds, rebooter }) => ({
    name,
    reboots: bootIds.length - 1,
    orders: rebooter.orders.length,
  }));
  if (reboots.some(({ reboots: times, orders }) => times !== 1 || orders !== 1))
    throw new Error(`not one reboot each: ${JSON.stringify(reboots)}`);
  say(styleText('green', 'Three nodes rebooted, one at a time, exactly once each; no invariant was broken.'));
}

async function table(bed: TestBed): Promise<void> {
  const columns = [
    'NODE:.metadata.name',
    'PHASE:.status.phase',
    'VERDICT:.status.verdict.code',
    'MESSAGE:.status.verdict.message',
  ];
  const { stdout } = await bed.kubectl(['get', 'nodereboots', '-o', `custom-columns=${columns.join(',')}`]);
  console.log(
    styleText(
      'dim',
      `\n      $ kubectl get nodereboots -o custom-columns=…\n${stdout.trimEnd().replaceAll(/^/gm, '      ')}\n`,
    ),
  );
}

const started = Date.now();

function say(text: string): void {
  const seconds = ((Date.now() - started) / 1_000).toFixed(1).padStart(6);
  console.log(`${styleText('cyan', `${seconds}s`)} ${text}`);
}

main().catch((error: unknown) => {
  console.error(styleText('red', `The demo failed: ${error instanceof Error ? error.message : error}`));
  process.exitCode = 1;
});
