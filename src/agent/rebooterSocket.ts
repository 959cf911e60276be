import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Probe } from '../core/agent.ts';
import type { Clock } from '../platform/clock.ts';
import type { OrderOutcome, Rebooter } from './ports.ts';
import { decodeReply, encodeRequest, MESSAGE_BYTES, type Operation, type Reply } from './rebooterProtocol.ts';

/** Limit of one exchange, by the protocol. */
const EXCHANGE_MS = 10_000;

/** The exchange failed before anything was sent. */
class NotSent extends Error {
  override readonly name = 'NotSent';
}

/** The rebooter behind a Unix socket. */
export class RebooterSocket implements Rebooter {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  /** @param timeoutMs limit of one exchange, milliseconds */
  constructor(path: string, clock: Clock, timeoutMs = EXCHANGE_MS) {
    this.#path = path;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  async probe(attemptID: string): Promise<Probe> {
    try {
      const { code, method, reason } = await this.#exchange('probe', attemptID);
      return code === 'ok' ? { able: true, method } : { able: false, method, reason: reason || code };
    } catch (error) {
      return { able: false, reason: `the rebooter does not answer: ${messageOf(error)}` };
    }
  }

  async order(attemptID: string): Promise<OrderOutcome> {
    try {
      const { code, reason } = await this.#exchange('reboot', attemptID);
      if (code === 'ok') return { kind: 'ordered' };
      if (code === 'inProgress') return { kind: 'unknown', why: reason || 'a shutdown is already under way' };
      return { kind: 'refused', reason: `the rebooter refused: ${reason || code}` };
    } catch (error) {
      if (error instanceof NotSent)
        return { kind: 'refused', reason: `the rebooter could not be asked: ${error.message}` };
      return { kind: 'unknown', why: messageOf(error) };
    }
  }

  async #exchange(operation: Operation, attemptID: string): Promise<Reply> {
    const request = requestOf(operation, attemptID);
    const socket = connect(this.#path);
    const done = new AbortController();
    void this.#clock.sleep(this.#timeoutMs, done.signal).then(() => {
      if (!done.signal.aborted) socket.destroy(new Error(`no reply within ${this.#timeoutMs} ms`));
    });
    try {
      await once(socket, 'connect').catch((error: unknown) => {
        throw new NotSent(messageOf(error));
      });
      socket.write(request);
      return decodeReply(await readReply(socket));
    } finally {
      done.abort();
      socket.destroy();
    }
  }
}

function requestOf(operation: Operation, attemptID: string): Buffer {
  try {
    return encodeRequest(operation, attemptID);
  } catch (error) {
    throw new NotSent(messageOf(error));
  }
}

/** Reads until the reply is whole or the rebooter closes. */
async function readReply(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MESSAGE_BYTES) break;
  }
  return Buffer.concat(chunks);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
