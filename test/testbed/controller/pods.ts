/**
 * Controllers that live and die with their pods, as a kubelet runs them: a pod that is bound to a node gets a process, a
 * pod that is deleted or evicted loses it, and so does one whose node reboots, which gets another in the new boot. A pod
 * that is pending has none.
 */

import { Api } from '../cluster/api.ts';
import { waitFor } from '../process/wait.ts';
import type { TestBed } from '../testbed.ts';
import { type ChangeType, type KubeObject, Watch } from '../timeline/watch.ts';
import { type ControllerOptions, ControllerProcess, controllerAccount } from './controller.ts';

/** What the controllers' pods are found by. */
export const CONTROLLER_LABELS = {
  'app.kubernetes.io/name': 'drydock',
  'app.kubernetes.io/component': 'controller',
} as const;

/** kwok makes a pod with this annotation run, but not Ready. */
const NOT_READY = 'test/not-ready';

interface PodShape extends KubeObject {
  metadata: KubeObject['metadata'] & { labels?: Record<string, string>; deletionTimestamp?: string };
  spec: { nodeName?: string };
  status?: { phase?: string };
}

interface NodeShape extends KubeObject {
  metadata: KubeObject['metadata'] & { annotations?: Record<string, string> };
  status?: { nodeInfo?: { bootID: string } };
}

interface Container {
  readonly pod: PodShape;
  readonly node: string;
  /** The boot that its process was started in, which may have ended. */
  boot: string;
  process: ControllerProcess | undefined;
  /** Whether its node is down. */
  down: boolean;
  /** Whether its pod is asked to go, or gone. */
  gone: boolean;
}

export class ControllerPods {
  readonly #bed: TestBed;
  readonly #options: ControllerOptions;
  readonly #containers = new Map<string, Container>();
  readonly #boots = new Map<string, string>();
  readonly #watches: Watch[];
  /** Processes are started one after the other. */
  #starts: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(bed: TestBed, api: Api, options: ControllerOptions) {
    this.#bed = bed;
    this.#options = options;
    this.#watches = [
      new Watch(api, '/api/v1/nodes', (type, object) => this.#nodeChanged(type, object as NodeShape)),
      new Watch(api, `/api/v1/namespaces/${controllerAccount.namespace}/pods`, (type, object) =>
        this.#podChanged(type, object as PodShape),
      ),
    ];
  }

  /** Runs a process for every pod with `CONTROLLER_LABELS` from now on, each with `options`. */
  static async start(bed: TestBed, options: ControllerOptions = {}): Promise<ControllerPods> {
    const api = new Api(await bed.control.certificateIdentity('kubelet-of-controllers', 'system:masters'));
    const pods = new ControllerPods(bed, api, options);
    bed.onStop(async () => {
      pods.#stopped = true;
      for (const watch of pods.#watches) watch.stop();
      api.close();
      await pods.#starts;
    });
    for (const watch of pods.#watches) await watch.start();
    return pods;
  }

  /** The processes that run now, by the names of their pods. */
  get running(): ReadonlyMap<string, ControllerProcess> {
    const containers = [...this.#containers.values()];
    return new Map(
      containers.flatMap(({ pod, process }) => (process?.running ? [[pod.metadata.name, process] as const] : [])),
    );
  }

  /** Creates a pod by itself, on that node, and waits until it is Ready. */
  async createPod(name: string, node: string): Promise<ControllerProcess> {
    const { namespace } = controllerAccount;
    const body = {
      metadata: { name, namespace, ...podTemplate.metadata },
      spec: { ...podTemplate.spec, nodeName: node },
    };
    await this.#bed.api.json(`/api/v1/namespaces/${namespace}/pods`, { method: 'POST', body });
    return await this.untilReady(name);
  }

  /** Creates a Deployment whose scheduler finds the nodes; `spec` goes into its pods. */
  async deploy(replicas: number, spec: object = {}): Promise<void> {
    const { metadata } = podTemplate;
    const template = { metadata, spec: { ...podTemplate.spec, ...spec } };
    const body = {
      metadata: { name: 'drydock-controller', namespace: controllerAccount.namespace },
      spec: { replicas, selector: { matchLabels: CONTROLLER_LABELS }, template },
    };
    const path = `/apis/apps/v1/namespaces/${controllerAccount.namespace}/deployments`;
    await this.#bed.api.json(path, { method: 'POST', body });
  }

  /** Waits until a pod's process answers /readyz and the pod is Ready. */
  async untilReady(name: string, timeoutMs = 60_000): Promise<ControllerProcess> {
    const path = `/api/v1/namespaces/${controllerAccount.namespace}/pods/${name}`;
    const ready = async (): Promise<ControllerProcess | undefined> => {
      const { status } = await this.#bed.api.json<{ status: { conditions?: { type: string; status: string }[] } }>(
        path,
      );
      const isReady = status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
      return isReady ? this.running.get(name) : undefined;
    };
    return await waitFor(`the controller's pod ${name}: Ready`, ready, { timeoutMs });
  }

  #podChanged(type: ChangeType, pod: PodShape): void {
    const { uid, deletionTimestamp, labels = {} } = pod.metadata;
    if (!Object.entries(CONTROLLER_LABELS).every(([name, value]) => labels[name] === value)) return;
    const node = pod.spec.nodeName;
    const known = this.#containers.get(uid);
    const isGone = type === 'DELETED' || ['Failed', 'Succeeded'].includes(pod.status?.phase ?? '');
    if (known !== undefined && isGone) {
      this.#containers.delete(uid);
      known.gone = true;
      this.#kill(known);
    } else if (known !== undefined && deletionTimestamp !== undefined && !known.gone) {
      known.gone = true;
      if (known.process?.running) known.process.process.signal('SIGTERM');
    } else if (known === undefined && node !== undefined && !isGone && deletionTimestamp === undefined) {
      const container = { pod, node, boot: this.#boots.get(node) ?? '', process: undefined, down: false, gone: false };
      this.#containers.set(uid, container);
      this.#start(container);
    }
  }

  #nodeChanged(type: ChangeType, { metadata: { name, annotations }, status }: NodeShape): void {
    const boot = status?.nodeInfo?.bootID ?? '';
    const goesDown = type === 'DELETED' || annotations?.['test/reboot'] !== undefined;
    this.#boots.set(name, boot);
    for (const container of this.#containers.values()) {
      if (container.node !== name) continue;
      if (goesDown) {
        container.down = true;
        this.#kill(container);
      } else if (container.down && container.boot !== boot) {
        container.down = false;
        container.boot = boot;
        this.#start(container);
      }
    }
  }

  async #run(container: Container): Promise<void> {
    if (container.gone || container.down || this.#stopped || container.process?.running) return;
    const { name, namespace = '' } = container.pod.metadata;
    container.process ??= await ControllerProcess.create(this.#bed, {
      ...this.#options,
      identity: name,
      env: { ...this.#options.env, POD_NAME: name, POD_NAMESPACE: namespace, NODE_NAME: container.node },
    });
    await container.process.start();
    void this.#markReady(container, container.process);
  }

  /** A kubelet's readiness probe. */
  async #markReady(container: Container, process: ControllerProcess): Promise<void> {
    try {
      await process.waitUntilReady();
      await this.#annotate(container.pod, null);
    } catch {
      // It has ended, or its pod has: there is nothing to be ready.
    }
  }

  #kill(container: Container): void {
    const { pod, process, gone } = container;
    if (process?.running) process.process.signal('SIGKILL');
    // The pod may be about to go, and then needs no readiness any more.
    if (!gone) this.#annotate(pod, 'yes').catch(() => undefined);
  }

  async #annotate({ metadata: { name, namespace } }: PodShape, notReady: 'yes' | null): Promise<void> {
    await this.#bed.api.json(`/api/v1/namespaces/${namespace}/pods/${name}`, {
      method: 'PATCH',
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations: { [NOT_READY]: notReady } } },
    });
  }

  #start(container: Container): void {
    const { boot } = container;
    this.#starts = this.#starts
      .then(() => this.#run(container))
      .catch((error: Error) => {
        // It may be killed, or its pod deleted, while it starts.
        const expected = this.#stopped || container.gone || container.down || container.boot !== boot;
        if (!expected) console.error(`the controller's pod ${container.pod.metadata.name}: ${error.message}`);
      });
  }
}

const podTemplate = {
  metadata: { labels: CONTROLLER_LABELS, annotations: { [NOT_READY]: 'yes' } },
  spec: {
    serviceAccountName: controllerAccount.name,
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'controller',
        image: 'example.invalid/drydock',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
};
