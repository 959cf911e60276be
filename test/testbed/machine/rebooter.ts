/** A rebooter for tests: it speaks the real one's protocol, does as it is told by the test, and remembers its orders. */

import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { MESSAGE_LENGTH, makeReply, parseRequest, type ReplyCode, type Request } from './protocol.ts';

/** Time limit of one exchange, in milliseconds, as the protocol says. */
const EXCHANGE_TIMEOUT_MS = 10_000;

/** Room for the path of a Unix socket in the kernel's structure, with its final zero byte. */
const SOCKET_PATH_ROOM = 108;

/** A reply other than ok. The reason has at most 48 ASCII characters. */
export interface Refusal {
  code: Exclude<ReplyCode, 'ok'>;
  reason: string;
}

export type ProbeBehaviour =
  | 'ok'
  | Refusal
  /** Never answers. */
  | 'hang';

export type OrderBehaviour =
  /** Replies ok and reboots. */
  | 'obey'
  | Refusal
  /** Reboots, but nobody hears the reply. */
  | 'obey without a reply'
  /** Replies ok, and nothing happens. */
  | 'ignore'
  /** Closes the connection, and nothing happens. */
  | 'ignore without a reply'
  /** Never answers, and nothing happens. */
  | 'hang';

/** An order to reboot that came. */
export interface Order {
  attemptID: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** What a rebooter reboots. */
export interface Rebootable {
  /** Whether a reboot is under way. */
  readonly rebooting: boolean;
  /** Begins a reboot; does nothing if one is under way. */
  beginReboot(): void;
}

export class Rebooter {
  readonly socketPath: string;
  /** What it does when it is asked whether it could reboot. */
  onProbe: ProbeBehaviour = 'ok';
  /** What it does when it is ordered to reboot. */
  onOrder: OrderBehaviour = 'obey';
  /** Every well-formed order, obeyed or not. */
  readonly orders: Order[] = [];
  /** Attempt IDs of all well-formed probes. */
  readonly probes: string[] = [];
  readonly #machine: Rebootable;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();

  private constructor(socketPath: string, machine: Rebootable) {
    this.socketPath = socketPath;
    this.#machine = machine;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Listens on `socketPath` for orders to reboot `machine`. */
  static async listen(socketPath: string, machine: Rebootable): Promise<Rebooter> {
    if (Buffer.byteLength(socketPath) >= SOCKET_PATH_ROOM) {
      throw new Error(`${socketPath} is too long for a Unix socket: set TMPDIR to a shorter path`);
    }
    const rebooter = new Rebooter(socketPath, machine);
    await new Promise<void>((resolve, reject) => {
      rebooter.#server.once('error', reject);
      rebooter.#server.listen(socketPath, resolve);
    });
    // Like the processes of the bed, it must not keep a finished test runner alive.
    rebooter.#server.unref();
    return rebooter;
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.socketPath, { force: true });
  }

  #accept(socket: Socket): void {
    this.#connections.add(socket);
    socket.unref();
    socket.once('close', () => this.#connections.delete(socket));
    // A peer that goes away is the peer's business: an agent may be killed at any moment.
    socket.on('error', () => socket.destroy());
    socket.setTimeout(EXCHANGE_TIMEOUT_MS, () => socket.destroy());
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      const complete = received.length >= MESSAGE_LENGTH;
      received = Buffer.concat([received, chunk]);
      if (!complete && received.length >= MESSAGE_LENGTH) this.#answer(socket, parseRequest(received));
    });
    // Half a request is not worth an answer.
    socket.once('end', () => received.length < MESSAGE_LENGTH && socket.destroy());
  }

  #answer(socket: Socket, request: Request | undefined): void {
    if (request === undefined) {
      socket.end(makeReply('malformed', 'not a request of version 1'));
    } else if (request.operation === 'probe') {
      this.probes.push(request.attemptID);
      this.#answerProbe(socket);
    } else {
      this.orders.push({ attemptID: request.attemptID, at: Date.now() });
      this.#answerOrder(socket);
    }
  }

  #answerProbe(socket: Socket): void {
    const behaviour = this.onProbe;
    if (behaviour === 'hang') return;
    socket.end(behaviour === 'ok' ? makeReply('ok') : makeReply(behaviour.code, behaviour.reason));
  }

  #answerOrder(socket: Socket): void {
    const behaviour = this.onOrder;
    if (typeof behaviour === 'object') {
      socket.end(makeReply(behaviour.code, behaviour.reason));
      return;
    }
    switch (behaviour) {
      case 'obey':
        this.#obey(socket);
        break;
      case 'obey without a reply':
        this.#machine.beginReboot();
        socket.destroy();
        break;
      case 'ignore':
        socket.end(makeReply('ok'));
        break;
      case 'ignore without a reply':
        socket.destroy();
        break;
      case 'hang':
    }
  }

  #obey(socket: Socket): void {
    if (this.#machine.rebooting) {
      socket.end(makeReply('inProgress'));
      return;
    }
    // Once the reply is out: the reboot kills the agent, which must have had the chance to read it.
    socket.end(makeReply('ok'), () => this.#machine.beginReboot());
  }
}
