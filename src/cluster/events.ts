import { CONTROLLER_MANAGER } from '../api/names.ts';
import type { Clock, Random } from '../platform/clock.ts';
import type { KubeApi } from './kubeApi.ts';
import { EVENTS } from './paths.ts';
import type { Announcement } from './ports.ts';

const LONGEST_NOTE = 1024;

/** Writes Events. They are for people and best effort: a lost one loses nothing else. */
export class EventRecorder {
  readonly #api: KubeApi;
  readonly #instance: string;
  readonly #clock: Clock;
  readonly #random: Random;

  /** @param instance this process, as `reportingInstance` */
  constructor(api: KubeApi, instance: string, clock: Clock, random: Random) {
    this.#api = api;
    this.#instance = instance.slice(0, 128);
    this.#clock = clock;
    this.#random = random;
  }

  async record({ type, reason, message, about }: Announcement): Promise<void> {
    const now = this.#clock.now();
    const unique = `${now.toString(16)}${Math.floor(this.#random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')}`;
    await this.#api.create(EVENTS, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${about.name.slice(0, 200)}.${unique}`, namespace: 'default' },
      eventTime: new Date(now).toISOString().replace('Z', '000Z'),
      reportingController: CONTROLLER_MANAGER,
      reportingInstance: this.#instance,
      action: reason,
      reason,
      type,
      note: message.slice(0, LONGEST_NOTE),
      regarding: about,
    });
  }
}
