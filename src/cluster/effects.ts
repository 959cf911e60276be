import { ANNOTATIONS, API_VERSION, CORDONED_LABEL, LOCK_LEASE, MAX_SLOTS, POLICY_FINALIZER } from '../api/names.ts';
import type { KubeObject, Lease, Node, Pod } from '../api/objects.ts';
import { withEntry } from '../core/attempt/finish.ts';
import { lockAnnotations } from '../core/lock/lock.ts';
import type { EvictionOutcome, NodeReboot, NodeView, RebootPolicy } from '../core/model.ts';
import type { ObjectStep, Step } from '../core/steps.ts';
import { closingView, type NodeRebootView } from '../core/views/nodeRebootView.ts';
import type { RebootPolicyView } from '../core/views/policyView.ts';
import { cut } from '../core/views/text.ts';
import { isNotFound } from './errors.ts';
import type { EventRecorder } from './events.ts';
import { deletePod, evict } from './evict.ts';
import type { KubeApi } from './kubeApi.ts';
import * as paths from './paths.ts';
import type { Announcement, Effects, LockWrite } from './ports.ts';

/** Takes in what a write answered, so that the next decision sees it without waiting for the watch. */
export interface Written {
  lock(lease: Lease): void;
  node(node: Node): void;
  nodeReboot(nodeReboot: NodeReboot): void;
  policy(policy: RebootPolicy): void;
}

type OneStep<K extends Step['kind']> = Extract<Step, { kind: K }>;

/** The effects on a real cluster. */
export class ClusterEffects implements Effects {
  readonly #api: KubeApi;
  readonly #namespace: string;
  readonly #written: Written;
  readonly #events: EventRecorder;

  constructor(api: KubeApi, namespace: string, written: Written, events: EventRecorder) {
    this.#api = api;
    this.#namespace = namespace;
    this.#written = written;
    this.#events = events;
  }

  async writeLock({ epoch, slots, resourceVersion }: LockWrite): Promise<void> {
    const annotations = lockAnnotations(epoch, slots);
    const lease = await (resourceVersion === null
      ? this.#api.create<Lease>(paths.leases(this.#namespace), newLock(annotations))
      : this.#api.patch<Lease>(paths.lease(this.#namespace, LOCK_LEASE), {
          metadata: { resourceVersion, annotations },
        }));
    this.#written.lock(lease);
  }

  async perform(step: ObjectStep): Promise<void> {
    switch (step.kind) {
      case 'createNodeReboot':
        return await this.#create(step);
      case 'deleteNodeReboot':
        return await this.#delete(step);
      case 'adoptNode':
        return await this.#patchNode(step.node, {
          metadata: { annotations: { [ANNOTATIONS.epoch]: String(step.epoch) } },
        });
      case 'cordon':
        return await this.#cordon(step);
      case 'restoreNode':
        return await this.#restore(step);
      case 'releaseNode':
        return await this.#patchNode(step.node, {
          metadata: {
            annotations: { ...NO_MARKS, [ANNOTATIONS.releasedBoot]: step.boot },
            labels: { [CORDONED_LABEL]: null },
          },
        });
      case 'adoptAttempt':
        return await this.#patchSpec(step.nodeReboot, { attempt: { epoch: step.epoch } });
      case 'beginAttempt':
        return await this.#patchSpec(step.nodeReboot, {
          attempt: step.attempt,
          prepare: { attemptID: step.attempt.id },
        });
      case 'request':
        return await this.#patchSpec(step.nodeReboot, { reboot: step.request });
      case 'escalate': {
        const escalation = { kind: step.escalation, at: new Date(step.now).toISOString() };
        return await this.#patchSpec(step.nodeReboot, { attempt: { escalation } });
      }
      case 'failAttempt': {
        const at = new Date(step.now).toISOString();
        const failure = { code: step.code, message: cut(step.message, LONGEST_REASON), at };
        return await this.#patchSpec(step.nodeReboot, { attempt: { failure } });
      }
      case 'endAttempt': {
        const ending = { code: step.code, message: cut(step.message, LONGEST_REASON) };
        const released = step.nodeReboot.metadata.annotations?.[ANNOTATIONS.release] !== undefined;
        const annotations = released ? { [ANNOTATIONS.release]: null } : undefined;
        return await this.#patchSpec(
          step.nodeReboot,
          { attempt: { ending }, prepare: null, reboot: null },
          annotations,
        );
      }
      case 'clearAttempt':
        return await this.#patchSpec(step.nodeReboot, { attempt: null, prepare: null, reboot: null });
      case 'grant': {
        const annotations = { [ANNOTATIONS.approve]: null, [ANNOTATIONS.rebootNow]: null };
        return await this.#patchSpec(step.nodeReboot, { grant: step.grant }, annotations);
      }
      case 'dropGrant':
        return await this.#patchSpec(step.nodeReboot, { grant: null });
      case 'dropRelease':
        return await this.#patchSpec(step.nodeReboot, {}, { [ANNOTATIONS.release]: null });
      case 'guardPolicy':
        return await this.#guard(step);
      case 'haltPolicy':
        return await this.#patchPolicy(step.policy, {
          annotations: { [ANNOTATIONS.halted]: step.attempts.slice(0, MAX_SLOTS).join(',') },
        });
      case 'resumePolicy': {
        const acknowledged = step.acknowledged.length > 0 ? step.acknowledged.join(',') : null;
        return await this.#patchPolicy(step.policy, {
          annotations: {
            [ANNOTATIONS.resume]: null,
            [ANNOTATIONS.halted]: null,
            [ANNOTATIONS.acknowledged]: acknowledged,
          },
        });
      }
      case 'recordHistory':
        return await this.#record(step);
    }
  }

  async evict(pod: Pod, gracePeriodSeconds: number | null): Promise<EvictionOutcome> {
    return await evict(this.#api, pod, gracePeriodSeconds);
  }

  async deletePod(pod: Pod, gracePeriodSeconds: number | null): Promise<EvictionOutcome> {
    return await deletePod(this.#api, pod, gracePeriodSeconds);
  }

  async writeNodeRebootStatus(nodeReboot: NodeReboot, view: NodeRebootView): Promise<void> {
    await this.#patchStatus(nodeReboot, view);
  }

  async writePolicyStatus(policy: RebootPolicy, status: RebootPolicyView): Promise<void> {
    const { resourceVersion, name } = policy.metadata;
    this.#written.policy(
      await this.#api.patch(paths.rebootPolicyStatus(name), { metadata: { resourceVersion }, status }),
    );
  }

  async announce(announcement: Announcement): Promise<void> {
    await this.#events.record(announcement);
  }

  async #create({ node }: OneStep<'createNodeReboot'>): Promise<void> {
    const { name, uid } = node;
    const ownerReferences = [
      { apiVersion: 'v1', kind: 'Node', name, uid, controller: false, blockOwnerDeletion: false },
    ];
    const body = {
      apiVersion: API_VERSION,
      kind: 'NodeReboot',
      metadata: { name, ownerReferences },
      spec: { nodeUID: uid },
    };
    this.#written.nodeReboot(await this.#api.create<NodeReboot>(paths.NODE_REBOOTS, body));
  }

  async #delete({ nodeReboot }: OneStep<'deleteNodeReboot'>): Promise<void> {
    try {
      const { name, uid, resourceVersion } = nodeReboot.metadata;
      await this.#api.remove(paths.nodeReboot(name), { uid, resourceVersion });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #cordon({ node, attemptID, epoch }: OneStep<'cordon'>): Promise<void> {
    const annotations = { [ANNOTATIONS.cordon]: attemptID, [ANNOTATIONS.epoch]: String(epoch) };
    await this.#patchNode(node, {
      metadata: { annotations, labels: { [CORDONED_LABEL]: '' } },
      spec: { unschedulable: true },
    });
  }

  /** A cordon that is not ours stays: only our own marks go, and the memory of a release whose boot has ended. */
  async #restore({ node, uncordon }: OneStep<'restoreNode'>): Promise<void> {
    const released = node.annotations[ANNOTATIONS.releasedBoot];
    const lapsed = released !== undefined && node.bootID !== '' && released !== node.bootID;
    const annotations = lapsed ? { ...NO_MARKS, [ANNOTATIONS.releasedBoot]: null } : NO_MARKS;
    const spec = uncordon ? { spec: { unschedulable: null } } : {};
    await this.#patchNode(node, { metadata: { annotations, labels: { [CORDONED_LABEL]: null } }, ...spec });
  }

  async #record({ nodeReboot, entry, backoff }: OneStep<'recordHistory'>): Promise<void> {
    const history = withEntry(nodeReboot.status?.history, entry);
    await this.#patchStatus(nodeReboot, { history, backoff, ...closingView(nodeReboot, entry) });
  }

  async #patchNode({ name, resourceVersion }: NodeView, patch: { metadata: object; spec?: object }): Promise<void> {
    const body = { ...patch, metadata: { ...patch.metadata, resourceVersion } };
    this.#written.node(await this.#api.patch<Node>(paths.node(name), body));
  }

  async #patchSpec(
    { metadata: { name, resourceVersion } }: KubeObject,
    spec: object,
    annotations: object | undefined = undefined,
  ): Promise<void> {
    const body = { metadata: { resourceVersion, annotations }, spec };
    const answer = await this.#api.patch<NodeReboot>(paths.nodeReboot(name), body);
    this.#written.nodeReboot(answer);
    assertKept('spec', spec, answer.spec);
  }

  async #guard({ policy, guarded }: OneStep<'guardPolicy'>): Promise<void> {
    const others = (policy.metadata.finalizers ?? []).filter((finalizer) => finalizer !== POLICY_FINALIZER);
    await this.#patchPolicy(policy, { finalizers: guarded ? [...others, POLICY_FINALIZER] : others });
  }

  async #patchPolicy({ metadata }: RebootPolicy, changes: object): Promise<void> {
    const body = { metadata: { resourceVersion: metadata.resourceVersion, ...changes } };
    this.#written.policy(await this.#api.patch<RebootPolicy>(paths.rebootPolicy(metadata.name), body));
  }

  async #patchStatus({ metadata: { name, resourceVersion } }: KubeObject, status: object): Promise<void> {
    const answer = await this.#api.patch<NodeReboot>(paths.nodeRebootStatus(name), {
      metadata: { resourceVersion },
      status,
    });
    this.#written.nodeReboot(answer);
  }
}

/**
 * The API server drops fields that its resource definitions do not have, without a word; what was decided would then be
 * decided again for ever.
 *
 * @throws Error that says what to do
 */
function assertKept(path: string, sent: object, kept: object | undefined): void {
  for (const [key, value] of Object.entries(sent)) {
    if (value === null || value === undefined) continue;
    const found = (kept as Record<string, unknown> | undefined)?.[key];
    const where = `${path}.${key}`;
    if (found === undefined) {
      throw new Error(`the API server has dropped ${where}: apply the resource definitions of this release (crds/)`);
    }
    if (typeof value === 'object' && !Array.isArray(value)) assertKept(where, value, found as object);
  }
}

const NO_MARKS = { [ANNOTATIONS.cordon]: null, [ANNOTATIONS.epoch]: null };

/** As long as the resource definition lets the reason of an ending or a failure be. */
const LONGEST_REASON = 1024;

function newLock(annotations: Record<string, string>) {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: LOCK_LEASE, annotations }, spec: {} };
}
