/** kwok: plays the kubelets of nodes that do not exist, with real Node and Pod objects. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CoreV1Api, V1Node } from '@kubernetes/client-node';
import { binaries } from '../build.ts';
import type { Identity } from '../cluster/identity.ts';
import { freePort } from '../process/ports.ts';
import { SupervisedProcess } from '../process/supervised.ts';
import { waitFor } from '../process/wait.ts';

const START_TIMEOUT_MS = 30_000;
const NODE_TIMEOUT_MS = 30_000;

/**
 * Validity of the nodes' Leases in seconds; kwok renews them every quarter of it. It must not be longer than the
 * controller manager's grace, or nodes turn Unknown and stay so.
 */
const NODE_LEASE_SECONDS = 8;

export interface NodeOptions {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** Starts kwok for all nodes that `createNode` makes. */
export async function startKwok(folder: string, identity: Identity): Promise<SupervisedProcess> {
  const port = await freePort();
  const process = await SupervisedProcess.start({
    name: 'kwok',
    command: (await binaries()).kwok,
    args: [
      `--kubeconfig=${identity.kubeconfig}`,
      `--config=${writeStages(folder)}`,
      '--manage-all-nodes=false',
      '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake',
      `--node-lease-duration-seconds=${NODE_LEASE_SECONDS}`,
      `--server-address=127.0.0.1:${port}`,
    ],
    // Without a folder of its own it reads the configuration of whoever runs the tests.
    env: { KWOK_WORKDIR: join(folder, 'kwok') },
    logFile: join(folder, 'kwok.log'),
  });
  try {
    await process.waitUntil('/healthz', START_TIMEOUT_MS, async () => {
      const signal = AbortSignal.timeout(2_000);
      return (await fetch(`http://127.0.0.1:${port}/healthz`, { signal })).ok;
    });
  } catch (error) {
    await process.kill();
    throw error;
  }
  return process;
}

/** Creates a node that kwok plays, and waits until pods can be scheduled to it. */
export async function createNode(core: CoreV1Api, name: string, options: NodeOptions = {}): Promise<V1Node> {
  await core.createNode({
    body: {
      metadata: {
        name,
        labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...options.labels },
        annotations: { 'kwok.x-k8s.io/node': 'fake', ...options.annotations },
      },
    },
  });
  return waitFor(`node ${name}: Ready`, () => readyNode(core, name), { timeoutMs: NODE_TIMEOUT_MS });
}

/** The node if it is Ready and without the taint of a node that is not (which goes a moment later). */
async function readyNode(core: CoreV1Api, name: string): Promise<V1Node | undefined> {
  const node = await core.readNode({ name });
  const ready = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  const tainted = node.spec?.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/'));
  return ready && !tainted ? node : undefined;
}

function writeStages(folder: string): string {
  const stages = ['nodes.yaml', 'pods.yaml'].map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));
  const path = join(folder, 'kwok.yaml');
  writeFileSync(path, stages.join('---\n'));
  return path;
}
