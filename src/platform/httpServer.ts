import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
  status: number;
  contentType?: string;
  body: string;
}

/** Answers of GET requests by path. */
export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

export interface Listening {
  /** `host:port` as it was bound. */
  address: string;
  close(): void;
}

/**
 * Serves GET requests.
 *
 * @param listen `host:port`; port 0 takes a free one
 * @throws Error when the address cannot be bound
 */
export async function serve(listen: string, routes: Routes): Promise<Listening> {
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = Number(listen.slice(colon + 1));
  if (colon < 0 || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`not an address of the form host:port: ${listen}`);
  const server = createServer(async (request, response) => {
    const {
      status,
      contentType = 'text/plain; charset=utf-8',
      body,
    } = await answer(routes, request.method, request.url);
    response.writeHead(status, { 'content-type': contentType });
    response.end(body);
  });
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, ...(host === '' ? [] : [host]), resolve);
  });
  server.unref();
  return { address: addressOf(server), close: () => server.close() };
}

async function answer(routes: Routes, method: string | undefined, url: string | undefined): Promise<Answer> {
  const route = routes[(url ?? '').split('?')[0] ?? ''];
  if (route === undefined) return { status: 404, body: 'not found\n' };
  if (method !== 'GET') return { status: 405, body: 'only GET\n' };
  try {
    return await route();
  } catch {
    return { status: 500, body: 'failed\n' };
  }
}

function addressOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}
