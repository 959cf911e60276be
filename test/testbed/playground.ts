/**
 * A cluster to play with (`make playground`): a real control plane, three machines with agents, a controller, something
 * to drain. Stays up until Ctrl-C.
 */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { binaries } from './build.ts';
import type { Machine } from './machine/machine.ts';
import { TestBed } from './testbed.ts';

const projectRoot = join(import.meta.dirname, '..', '..');
const POLICY = 'docs/examples/playground.yaml';

/** Long enough to be watched, in seconds. */
const REBOOT_SECONDS = 5;

const SOMETHING_TO_DRAIN = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: default}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
`;

interface Furnished {
  machines: readonly Machine[];
  /** URL of the controller's metrics. */
  metrics: string;
}

async function furnish(bed: TestBed): Promise<Furnished> {
  await bed.installDrydock();
  const names = ['node-1', 'node-2', 'node-3'];
  const machines = await Promise.all(names.map((name) => bed.machine(name, { rebootSeconds: REBOOT_SECONDS })));
  await bed.apply(SOMETHING_TO_DRAIN);
  const { url } = await bed.controller({ identity: 'playground' });
  const policy = join(projectRoot, POLICY);
  if (existsSync(policy)) await bed.apply(policy);
  else console.log(`There is no ${POLICY}: apply a RebootPolicy of your own.`);
  return { machines, metrics: `${url}/metrics` };
}

function explain(bed: TestBed, { machines, metrics }: Furnished, kubectl: string): string {
  return `
A cluster with ${machines.length} machines is up. In another terminal:

  export KUBECONFIG=${bed.admin.kubeconfig} PATH=${dirname(kubectl)}:$PATH

Have a machine ask for a reboot, as a package manager does:

${machines.map(({ name, files }) => `  echo kernel-$RANDOM > ${files.packages}; touch ${files.sentinel}   # ${name}`).join('\n')}

Then watch what happens, one of these in each terminal:

  kubectl get nodereboots --watch
  kubectl get nodes --watch
  kubectl get pods --output wide --watch
  kubectl get events --all-namespaces --watch

And try:

  kubectl annotate node node-2 drydock.dev/hold='being looked at'    # this node waits; with a - behind the key it goes on
  kubectl annotate namespace drydock drydock.dev/pause=lunch         # everything waits
  kubectl cordon node-3                                              # before its turn: it stays cordoned, whatever happens
  tail -f ${bed.folder}/playground.log ${bed.folder}/machines/*/agent.log
  curl ${metrics}

Ctrl-C ends it all.
`;
}

const started = Date.now();
console.log('Starting …');
const { kubectl } = await binaries();
const starting = TestBed.start();

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping) process.exit(1);
    stopping = true;
    // Also while it still starts: what is there by then has to go.
    const stopped = starting.then((started) => started.stop());
    stopped.then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}

const bed = await starting;
try {
  console.log(explain(bed, await furnish(bed), kubectl));
  console.log(`(up in ${((Date.now() - started) / 1_000).toFixed(1)} s)`);
  // The bed keeps no event loop alive by itself.
  setInterval(() => undefined, 60_000);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  await bed.stop();
  process.exitCode = 1;
}
