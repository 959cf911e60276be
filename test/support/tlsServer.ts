import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { generate } from 'selfsigned';

export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** An HTTPS server on this machine that answers as the test says. */
export class TlsServer {
  readonly ca: string;
  handle: Handler;
  /** How many connections have been made to it. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(cert: string, key: string, handle: Handler) {
    this.ca = cert;
    this.handle = handle;
    this.#server = createServer({ cert, key }, (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => this.handle(request, response, body));
    });
    this.#server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
    });
  }

  static async listen(handle: Handler = (_request, response) => response.end()): Promise<TlsServer> {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    const server = new TlsServer(cert, key, handle);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
