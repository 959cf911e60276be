/** TCP ports for the servers of the test bed. */

import { createServer } from 'node:net';

/**
 * Below the range from which kernels take the ports of outgoing connections: one of those could take a port between
 * the moment it is found free and the moment its server listens.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

const handedOut = new Set<number>();

/** A port of 127.0.0.1 on which nothing listens, and which this function has not returned before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (!handedOut.has(port) && (await isFree(port))) {
      handedOut.add(port);
      return port;
    }
  }
  throw new Error(`no free TCP port between ${FIRST_PORT} and ${LAST_PORT}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
