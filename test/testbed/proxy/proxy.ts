/**
 * A front door of the API server for one client, at which requests can be held, dropped, delayed or refused, and answers
 * lost. The client is told this address instead of the API server's; TLS ends here, with the API server's own
 * certificate, and what proves the client (a token) is passed on.
 */

import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Certificates } from '../cluster/certificates.ts';
import type { Endpoint } from '../cluster/identity.ts';
import { freePort } from '../process/ports.ts';
import { Hold } from './hold.ts';
import { type Match, type ProxiedRequest, readRequest } from './request.ts';

/** As long as API servers keep an idle connection, so that none is closed under a client that is about to use it. */
const KEEP_ALIVE_MS = 600_000;

/** An answer that the proxy gives by itself. */
export interface Refusal {
  /** HTTP status. */
  status: number;
  /** The sentence in the Status object that Kubernetes answers with. */
  message?: string;
  headers?: Record<string, string>;
}

/** What becomes of a request. */
type Handling =
  | { kind: 'hold'; hold: Hold }
  | { kind: 'holdAnswer'; hold: Hold }
  | { kind: 'delay'; ms: number }
  | { kind: 'refuse'; refusal: Refusal };

interface Rule {
  match: Match;
  handling: Handling;
  /** How many more requests it is for. */
  left: number;
}

export class ApiProxy {
  /** e.g. `https://127.0.0.1:20001` */
  readonly server: string;
  /** Where its clients find it. */
  readonly endpoint: Endpoint;
  readonly #upstream: Endpoint;
  readonly #agent: Agent;
  readonly #listener: Server;
  readonly #connections = new Set<Socket>();
  #rules: Rule[] = [];

  private constructor(port: number, upstream: Endpoint, certificates: Certificates) {
    this.server = `https://127.0.0.1:${port}`;
    this.endpoint = { ...upstream, server: this.server };
    this.#upstream = upstream;
    this.#agent = new Agent({ ca: upstream.ca, keepAlive: true });
    const options = {
      cert: readFileSync(certificates.serverCertFile),
      key: readFileSync(certificates.serverKeyFile),
      keepAliveTimeout: KEEP_ALIVE_MS,
    };
    this.#listener = createServer(options, (incoming, outgoing) => {
      this.#serve(incoming, outgoing).catch(() => outgoing.destroy());
    });
    this.#listener.on('connection', (socket) => {
      this.#connections.add(socket);
      socket.unref();
      socket.once('close', () => this.#connections.delete(socket));
    });
  }

  /** Opens a door to the API server at `upstream`. */
  static async open(upstream: Endpoint, certificates: Certificates): Promise<ApiProxy> {
    const port = await freePort();
    const proxy = new ApiProxy(port, upstream, certificates);
    await new Promise<void>((resolve, reject) => {
      proxy.#listener.once('error', reject);
      proxy.#listener.listen(port, '127.0.0.1', resolve);
    });
    // Like the processes of the bed, it must not keep a finished test runner alive.
    proxy.#listener.unref();
    return proxy;
  }

  /** Holds the next request that matches: the API server does not see it until it is released. */
  hold(match: Match): Hold {
    const hold = new Hold();
    this.#add(match, { kind: 'hold', hold });
    return hold;
  }

  /** Holds the answer to the next request that matches, which the API server has carried out by then. */
  holdAnswer(match: Match): Hold {
    const hold = new Hold();
    this.#add(match, { kind: 'holdAnswer', hold });
    return hold;
  }

  /** Has the next request that matches carried out, and cuts its connection instead of answering. */
  loseAnswer(match: Match): Hold {
    const hold = this.holdAnswer(match);
    hold.drop();
    return hold;
  }

  /** Refuses the next requests that match, e.g. with 409, 429, 500 or 503; the API server does not see them. */
  refuse(match: Match, refusal: Refusal, times = 1): void {
    this.#add(match, { kind: 'refuse', refusal }, times);
  }

  /** Passes requests that match on only after some milliseconds. */
  delay(match: Match, ms: number, times = Number.POSITIVE_INFINITY): void {
    this.#add(match, { kind: 'delay', ms }, times);
  }

  /** Breaks all connections, watches among them; new ones are taken. */
  cut(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  /** Forgets what has been said about requests that have not come yet. What is held stays held. */
  clear(): void {
    this.#rules = [];
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    this.cut();
    await new Promise((resolve) => this.#listener.close(resolve));
  }

  #add(match: Match, handling: Handling, times = 1): void {
    this.#rules.push({ match, handling, left: times });
  }

  #take(asked: ProxiedRequest): Handling | undefined {
    const rule = this.#rules.find(({ match }) => match(asked));
    if (rule === undefined) return undefined;
    rule.left -= 1;
    if (rule.left === 0) this.#rules = this.#rules.filter((other) => other !== rule);
    return rule.handling;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const asked = readRequest(incoming, body);
    const handling = this.#take(asked);
    if (handling?.kind === 'refuse') return refuse(outgoing, handling.refusal);
    if (handling?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, handling.ms).unref());
    if (handling?.kind === 'hold' && !(await handling.hold.meets(asked))) return void outgoing.destroy();
    // What was held is sent on even if its client has gone: a frozen request on the wire arrives all the same.
    const answer = await this.#forward(incoming, body);
    if (handling !== undefined && 'hold' in handling) handling.hold.answers(answer.statusCode ?? 502);
    if (handling?.kind === 'holdAnswer') {
      // Read to its end: only then the API server has certainly carried it out.
      const text = await buffer(answer);
      if (!(await handling.hold.meets(asked))) return void outgoing.destroy();
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(text);
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    // A watch that sends nothing yet has begun all the same.
    outgoing.flushHeaders();
    answer.on('error', () => outgoing.destroy());
    outgoing.once('close', () => answer.destroy());
    answer.pipe(outgoing);
  }

  #forward({ method, url, headers }: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { host: _host, connection: _connection, 'transfer-encoding': _encoding, ...rest } = headers;
      const length = body.length === 0 ? {} : { 'content-length': body.length };
      const options = { method, headers: { ...rest, ...length }, agent: this.#agent };
      request(new URL(url ?? '/', this.#upstream.server), options, resolve)
        .once('error', reject)
        .end(body);
    });
  }
}

function refuse(outgoing: ServerResponse, { status, message = 'refused by the test', headers = {} }: Refusal): void {
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, message };
  outgoing.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
