import { ANNOTATIONS } from '../api/names.ts';
import type { Secret } from '../api/objects.ts';
import { allowsHost } from '../core/policy/allowedHosts.ts';
import { clean } from '../core/policy/gateVerdict.ts';

/** Reads a Secret of the controller's namespace anew; undefined where there is none. */
export type ReadSecret = (name: string) => Promise<Secret | undefined>;

/** A Secret cannot be used. The message is a sentence for people, and holds nothing of what the Secret holds. */
export class UnusableSecret extends Error {
  override readonly name = 'UnusableSecret';
}

/** What policies name of the Secrets in the controller's namespace, for the hosts that these Secrets allow. */
export class GateSecrets {
  readonly #read: ReadSecret;
  readonly #namespace: string;

  constructor(read: ReadSecret, namespace: string) {
    this.#read = read;
    this.#namespace = namespace;
  }

  /** How a Secret, or a key of it, is named in sentences. */
  nameOf(name: string, key?: string): string {
    const secret = `Secret ${this.#namespace}/${name}`;
    return key === undefined ? secret : `key ${key} of ${secret}`;
  }

  /**
   * The texts under some keys of a Secret, in their order, to be used for a URL.
   *
   * @throws UnusableSecret
   */
  async read(name: string, keys: readonly string[], url: string): Promise<string[]> {
    const secret = await this.#get(name);
    this.#checkHost(name, secret, url);
    return keys.map((key) => this.#valueOf(secret, name, key));
  }

  async #get(name: string): Promise<Secret> {
    const secret = await this.#read(name).catch((error: unknown) => {
      const why = clean(error instanceof Error ? error.message : String(error));
      throw new UnusableSecret(`${this.nameOf(name)} could not be read: ${why}.`);
    });
    if (secret === undefined) throw new UnusableSecret(`${this.nameOf(name)} does not exist: create it.`);
    return secret;
  }

  #checkHost(name: string, { metadata }: Secret, url: string): void {
    const allowed = metadata.annotations?.[ANNOTATIONS.allowedHosts];
    if (allowed !== undefined && allowsHost(allowed, url)) return;
    const lacks = allowed === undefined ? 'has no annotation' : 'does not allow this host in its annotation';
    const { host } = new URL(url);
    throw new UnusableSecret(
      `${this.nameOf(name)} ${lacks} ${ANNOTATIONS.allowedHosts}: add ${clean(host)} to it, if the Secret is meant for that host.`,
    );
  }

  #valueOf({ data = {} }: Secret, name: string, key: string): string {
    const encoded = Object.hasOwn(data, key) ? data[key] : undefined;
    if (encoded === undefined) throw new UnusableSecret(`${this.nameOf(name)} has no key ${key}: add it.`);
    const value = textOf(encoded);
    if (value === undefined) throw new UnusableSecret(`The ${this.nameOf(name, key)} is no text: mend it.`);
    if (value === '') throw new UnusableSecret(`The ${this.nameOf(name, key)} is empty: fill it in.`);
    return value;
  }
}

function textOf(base64: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
}
