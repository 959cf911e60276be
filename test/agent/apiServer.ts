import type { ServerResponse } from 'node:http';
import type { NodeReboot } from '../../src/core/model.ts';
import { aNodeReboot } from '../support/cluster.ts';
import { mergePatch } from '../support/mergePatch.ts';
import { TlsServer } from '../support/tlsServer.ts';

/** An API server that has one NodeReboot, as far as an agent asks: list, watch, patch. */
export class SmallApiServer {
  readonly tls: TlsServer;
  stored: NodeReboot = { ...aNodeReboot('n1'), status: {} };
  /** The only token that is let in; anybody is while it is empty. */
  token = '';
  /** Patches that were carried out. */
  patches = 0;
  /** How many watches have been opened. */
  watches = 0;
  readonly #watching = new Set<ServerResponse>();

  private constructor(tls: TlsServer) {
    this.tls = tls;
    tls.handle = ({ method, url = '', headers }, response, body) => {
      if (this.token !== '' && headers.authorization !== `Bearer ${this.token}`) {
        response.writeHead(401).end('{"kind":"Status","code":401,"reason":"Unauthorized"}');
      } else if (method === 'PATCH') {
        this.patches += 1;
        this.write(JSON.parse(body));
        response.end(JSON.stringify(this.stored));
      } else if (url.includes('watch=true')) {
        this.watches += 1;
        response.flushHeaders();
        this.#watching.add(response);
        const seen = Number(new URL(url, 'https://server').searchParams.get('resourceVersion'));
        if (Number(this.stored.metadata.resourceVersion) > seen) response.write(this.#line());
      } else response.end(JSON.stringify({ metadata: this.stored.metadata, items: [this.stored] }));
    };
  }

  static async listen(): Promise<SmallApiServer> {
    return new SmallApiServer(await TlsServer.listen());
  }

  /** Somebody writes, and those who watch are told. */
  write(patch: object): void {
    const resourceVersion = String(Number(this.stored.metadata.resourceVersion) + 1);
    this.stored = mergePatch(this.stored, { ...patch, metadata: { resourceVersion } }) as NodeReboot;
    for (const response of this.#watching) response.write(this.#line());
  }

  /** Ends every watch in order, as a server that shuts down. */
  endWatches(): void {
    for (const response of this.#watching) response.end();
    this.#watching.clear();
  }

  #line(): string {
    return `${JSON.stringify({ type: 'MODIFIED', object: this.stored })}\n`;
  }

  close(): void {
    this.tls.close();
  }
}
