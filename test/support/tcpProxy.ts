import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Passes bytes on to a server, like a load balancer; and like one that has forgotten a connection it can swallow what
 * comes on those that are open, without closing them.
 */
export class TcpProxy {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #swallowed = new Set<Socket>();
  /** How many connections have been made through it. */
  connections = 0;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      this.connections += 1;
      const server = connect(target, '127.0.0.1');
      this.#pass(client, server);
      this.#pass(server, client);
    });
  }

  /** @param target port of the server, on this machine */
  static async listen(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that clients have not closed. */
  get open(): number {
    return this.#open.size / 2;
  }

  /** From now on nothing passes on the connections that are open, in either direction. New ones are in order. */
  swallow(): void {
    for (const socket of this.#open) this.#swallowed.add(socket);
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
  }

  #pass(from: Socket, to: Socket): void {
    this.#open.add(from);
    from.on('data', (bytes) => {
      if (!this.#swallowed.has(from)) to.write(bytes);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#open.delete(from);
      to.destroy();
    });
  }
}
