/** The cluster as its history has made it so far. */

import type { LabelSelector } from '../../src/api/generated/rebootpolicy.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import type { Slot } from '../../src/core/model.ts';
import { matches } from '../../src/core/policy/selector.ts';
import type { TimelineEntry } from '../testbed/timeline/timeline.ts';

/** One change of one object. */
export interface Change extends Pick<TimelineEntry, 'type' | 'kind' | 'name' | 'revision'> {
  object: KubeObject;
  previous: KubeObject | undefined;
}

interface Request {
  attemptID: string;
  fromBootID: string;
}

/** What an attempt says about pods that may stay. */
interface AttemptShape {
  id: string;
  escalation?: { kind: string };
  policy?: {
    spec?: {
      disruption?: { allowLastNode?: boolean };
      drain?: { podSelector?: LabelSelector; skipWaitForDeleteTimeout?: string };
    };
  };
}

interface NodeRebootShape {
  spec?: { attempt?: AttemptShape; reboot?: Request };
  status?: { phase?: string; verdict?: { code: string }; agent?: { accepted?: string; rebootRequired?: boolean } };
}

export class World {
  readonly nodes = new Map<string, KubeObject>();
  readonly nodeReboots = new Map<string, KubeObject>();
  readonly pods = new Map<string, KubeObject>();
  lock: KubeObject | undefined;
  /** Nodes that were asked to reboot at any time. */
  readonly asked = new Set<string>();
  /** Attempts whose cordon came off. */
  readonly ended = new Set<string>();
  readonly #reboots = new Map<string, number>();

  apply({ kind, type, name, object }: Change): void {
    if (kind === 'Lease') {
      if (name === 'drydock-lock') this.lock = type === 'DELETED' ? undefined : object;
      return;
    }
    // One that is made again under the name is another node.
    if (kind === 'Node' && type === 'DELETED') this.asked.delete(name);
    const objects = { Node: this.nodes, NodeReboot: this.nodeReboots, Pod: this.pods }[kind];
    const key = kind === 'Pod' ? `${object.metadata.namespace}/${name}` : name;
    if (type === 'DELETED') objects.delete(key);
    else objects.set(key, object);
  }

  acceptedBy(node: string): string | undefined {
    return shapeOf(this.nodeReboots.get(node)).status?.agent?.accepted;
  }

  phaseOf(node: string): string | undefined {
    return shapeOf(this.nodeReboots.get(node)).status?.phase;
  }

  attemptOf(nodeReboot: KubeObject): string | undefined {
    return shapeOf(nodeReboot).spec?.attempt?.id;
  }

  isRequired(nodeReboot: KubeObject): boolean {
    return shapeOf(nodeReboot).status?.agent?.rebootRequired === true;
  }

  verdictOf(nodeReboot: KubeObject): string | undefined {
    return shapeOf(nodeReboot).status?.verdict?.code;
  }

  rebootsOf(attemptID: string): number {
    return this.#reboots.get(attemptID) ?? 0;
  }

  noteReboot(attemptID: string): void {
    this.#reboots.set(attemptID, this.rebootsOf(attemptID) + 1);
  }
}

export function requestOf(nodeReboot: KubeObject | undefined): Request | undefined {
  return shapeOf(nodeReboot).spec?.reboot;
}

export function bootIDOf(node: KubeObject): string {
  return (node as { status?: { nodeInfo?: { bootID?: string } } }).status?.nodeInfo?.bootID ?? '';
}

export function isUnschedulable(node: KubeObject): boolean {
  return (node as { spec?: { unschedulable?: boolean } }).spec?.unschedulable === true;
}

/** Whether pods cannot go there, whoever made it so. */
export function isOutOfService(node: KubeObject): boolean {
  const { conditions = [] } = (node as { status?: { conditions?: { type: string; status: string }[] } }).status ?? {};
  return isUnschedulable(node) || conditions.some(({ type, status }) => type === 'Ready' && status !== 'True');
}

/** The attempt that cordoned a node for us. */
export function cordonedBy({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.['drydock.dev/cordon'];
}

/** Whether a person has released an attempt in the boot that the node is in, so that its reboot may come late. */
export function isReleased(node: KubeObject): boolean {
  return node.metadata.annotations?.['drydock.dev/released-boot'] === bootIDOf(node);
}

export function epochOf({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.['drydock.dev/epoch'];
}

/** Whether a person has stopped this object for good. */
export function isPaused({ metadata }: KubeObject): boolean {
  const annotations = metadata.annotations ?? {};
  return ['drydock.dev/pause', 'drydock.dev/hold'].some(
    (name) => name in annotations && !annotations[name]?.includes('until='),
  );
}

export function slotsOf(lock: KubeObject | undefined): Slot[] {
  return JSON.parse(lock?.metadata.annotations?.['drydock.dev/slots'] ?? '[]') as Slot[];
}

/**
 * Pods that the drain of an attempt has to move: not finished, not of a DaemonSet, not the kubelet's own, and not what the
 * attempt's policy leaves on purpose.
 */
export function drainablePodsOn({ pods }: World, node: string, nodeReboot: KubeObject): string[] {
  const { attempt } = shapeOf(nodeReboot).spec ?? {};
  return [...pods.values()]
    .filter((pod) => isDrainable(pod, node) && !mayStay(pod, attempt))
    .map(({ metadata }) => metadata.name);
}

function mayStay({ metadata }: KubeObject, { escalation, policy }: Partial<AttemptShape> = {}): boolean {
  if (escalation?.kind === 'Reboot') return true;
  if (policy?.spec?.disruption?.allowLastNode === true && isController(metadata)) return true;
  const { podSelector = {}, skipWaitForDeleteTimeout = '0s' } = policy?.spec?.drain ?? {};
  if (metadata.deletionTimestamp !== undefined && skipWaitForDeleteTimeout !== '0s') return true;
  return !matches(podSelector, metadata.labels ?? {});
}

function isController({ labels = {} }: KubeObject['metadata']): boolean {
  return labels['app.kubernetes.io/name'] === 'drydock' && labels['app.kubernetes.io/component'] === 'controller';
}

function isDrainable(pod: KubeObject, node: string): boolean {
  const { metadata, spec, status } = pod as KubeObject & { spec?: { nodeName?: string }; status?: { phase?: string } };
  const daemon =
    metadata.ownerReferences?.some(({ kind, controller }) => controller === true && kind === 'DaemonSet') ?? false;
  const mirror = metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
  return spec?.nodeName === node && !daemon && !mirror && !['Succeeded', 'Failed'].includes(status?.phase ?? '');
}

function shapeOf(nodeReboot: KubeObject | undefined): NodeRebootShape {
  return (nodeReboot ?? {}) as NodeRebootShape;
}
