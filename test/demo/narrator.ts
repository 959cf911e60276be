/** Tells what happens in the cluster, in sentences. */

import type { NodeReboot } from '../../src/core/model.ts';
import type { Timeline, TimelineEntry } from '../testbed/timeline/timeline.ts';

/** In milliseconds. */
const TELL_EVERY_MS = 50;

interface NodeShape {
  spec?: { unschedulable?: boolean };
  status?: { nodeInfo?: { bootID?: string }; conditions?: { type: string; status: string }[] };
}

export class Narrator {
  readonly #timeline: Timeline;
  readonly #say: (text: string) => void;
  readonly #rebooted = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #told = 0;

  constructor(timeline: Timeline, say: (text: string) => void) {
    this.#timeline = timeline;
    this.#say = say;
    this.#timer = setInterval(() => this.#tellNews(), TELL_EVERY_MS);
  }

  /** Waits until some node has this verdict. */
  async untilVerdict(code: string, timeoutMs: number): Promise<void> {
    const says = ({ kind, object }: TimelineEntry) =>
      kind === 'NodeReboot' && (object as unknown as NodeReboot).status?.verdict?.code === code;
    await this.#timeline.until(says, { timeoutMs, what: `the verdict ${code}` });
  }

  /** Whether a node has rebooted and is in service again. */
  isBack(node: string): boolean {
    const nodeReboot = this.#timeline.latest('NodeReboot', node) as unknown as NodeReboot | undefined;
    return this.#rebooted.has(node) && nodeReboot?.spec.attempt === undefined;
  }

  /** Whether what people read of these nodes says that nothing is left to do. */
  isQuiet(nodes: readonly string[]): boolean {
    const phase = (node: string) =>
      (this.#timeline.latest('NodeReboot', node) as unknown as NodeReboot | undefined)?.status?.phase;
    return nodes.every((node) => phase(node) === 'Idle');
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tellNews(): void {
    for (const entry of this.#timeline.entries.slice(this.#told)) this.#tell(entry);
    this.#told = this.#timeline.mark();
  }

  #tell({ kind, name, object, previous }: TimelineEntry): void {
    if (previous === undefined) return;
    if (kind === 'Node') this.#tellNode(name, previous as NodeShape, object as NodeShape);
    if (kind === 'NodeReboot')
      this.#tellNodeReboot(name, previous as unknown as NodeReboot, object as unknown as NodeReboot);
  }

  #tellNode(name: string, before: NodeShape, after: NodeShape): void {
    const cordoned = after.spec?.unschedulable === true;
    if (cordoned !== (before.spec?.unschedulable === true))
      this.#say(`${name}: ${cordoned ? 'cordoned' : 'uncordoned'}`);
    const ready = isReady(after);
    if (ready !== isReady(before)) this.#say(`${name}: ${ready ? 'Ready again' : 'down'}`);
    const [was, is] = [before.status?.nodeInfo?.bootID ?? '', after.status?.nodeInfo?.bootID ?? ''];
    if (was === '' || was === is) return;
    this.#rebooted.add(name);
    this.#say(`${name}: new boot ID ${is.slice(0, 8)}… (was ${was.slice(0, 8)}…): the reboot is proven`);
  }

  #tellNodeReboot(name: string, before: NodeReboot, after: NodeReboot): void {
    if (after.status?.agent?.rebootRequired && !before.status?.agent?.rebootRequired)
      this.#say(`${name}: the agent sees the sentinel`);
    if (after.spec.reboot && !before.spec.reboot) this.#say(`${name}: drained; the reboot is requested`);
    const { accepted } = after.status?.agent ?? {};
    if (accepted !== undefined && accepted !== before.status?.agent?.accepted) this.#say(`${name}: the agent accepts`);
    const verdict = after.status?.verdict;
    if (verdict?.code !== before.status?.verdict?.code && TOLD.has(verdict?.code ?? ''))
      this.#say(`${name}: ${verdict?.code}: ${verdict?.message}`);
  }
}

/** Verdicts that are not told by what happens anyway. */
const TOLD = new Set(['ActiveAlerts', 'BackingOff', 'Settling', 'WaitsForTurn', 'ClusterBudgetUsed', 'RebootTimedOut']);

function isReady({ status }: NodeShape): boolean {
  return status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') === true;
}
