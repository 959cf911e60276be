/** TCP ports for the servers of the test bed. */

import { createServer } from 'node:net';

/**
 * Below the range from which kernels take the ports of outgoing connections: one of those could take a port between
 * the moment it is found free and the moment its server listens.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** Test runs in several processes share the range out by the number that mocha gives each, or two could take one port. */
const SHARES = 8;
const SHARE = Math.floor((LAST_PORT - FIRST_PORT) / SHARES);
const firstOfOurs = FIRST_PORT + (Number(process.env.MOCHA_WORKER_ID ?? SHARES - 1) % SHARES) * SHARE;

const handedOut = new Set<number>();

/** A port of 127.0.0.1 on which nothing listens, and which this function has not returned before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = firstOfOurs + Math.floor(Math.random() * SHARE);
    if (!handedOut.has(port) && (await isFree(port))) {
      handedOut.add(port);
      return port;
    }
  }
  throw new Error(`no free TCP port between ${firstOfOurs} and ${firstOfOurs + SHARE}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
