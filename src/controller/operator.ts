import OperatorModule, { type OperatorLogger } from '@dot-i/k8s-operator';
import type { KubeConfig } from '@kubernetes/client-node';
import { GROUP, VERSION } from '../api/names.ts';

/** The package is CommonJS: its default import is the module, and the class is that module's `default`. */
const Operator = OperatorModule.default;

/** What runs while the operator does. */
export interface Work {
  /** Begins to watch everything under an API path. */
  watch(path: string): void;
  /** Runs until the signal aborts, then ends in order. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Drydock as an operator: its life cycle is the base class's, and what the base class does with connections and errors
 * is replaced. Its watches end the process on the first error, its status and finalizer requests swallow errors, and it
 * would create CRDs, for which the controller has no right.
 */
export class DrydockOperator extends Operator {
  readonly #work: Work;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(kubeConfig: KubeConfig, work: Work, logger: OperatorLogger) {
    super(logger);
    this.kubeConfig = kubeConfig;
    this.#work = work;
  }

  /** Resolves when everything has ended after `stop`. */
  async ended(): Promise<void> {
    await this.#running;
  }

  override stop(): void {
    this.#stop.abort();
  }

  protected override async init(): Promise<void> {
    await this.watchResource('', 'v1', 'nodes');
    await this.watchResource('', 'v1', 'namespaces');
    await this.watchResource(GROUP, VERSION, 'rebootpolicies');
    await this.watchResource(GROUP, VERSION, 'nodereboots');
    await this.watchResource('apps', 'v1', 'daemonsets');
    await this.watchResource('coordination.k8s.io', 'v1', 'leases');
    this.#running = this.#work.run(this.#stop.signal);
  }

  /** Decisions are made from what all watches say together, so no watch has a callback of its own. */
  protected override async watchResource(
    group: string,
    version: string,
    plural: string,
    _onEvent?: unknown,
    namespace?: string,
  ): Promise<void> {
    this.#work.watch(pathOf(group, version, plural, namespace));
    this.logger.info(`watching ${plural}`);
  }

  /** The base class takes the server from a field that client-node no longer has. */
  protected override getCustomResourceApiUri(
    group: string,
    version: string,
    plural: string,
    namespace?: string,
  ): string {
    return `${this.kubeConfig.getCurrentCluster()?.server ?? ''}${pathOf(group, version, plural, namespace)}`;
  }

  protected override async registerCustomResourceDefinition(): Promise<never> {
    throw new Error('Drydock does not create its resource definitions: apply crds/ with kubectl');
  }
}

function pathOf(group: string, version: string, plural: string, namespace?: string): string {
  const root = group === '' ? `/api/${version}/` : `/apis/${group}/${version}/`;
  return `${root}${namespace === undefined ? '' : `namespaces/${namespace}/`}${plural}`;
}
