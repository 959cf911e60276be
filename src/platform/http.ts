import { lookup } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { HttpClient, HttpRequest, HttpResponse } from './httpClient.ts';
import { refusalOf } from './refusedAddresses.ts';

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/**
 * HTTP and HTTPS for addresses that people have written into resources. Redirects are not followed, link-local and
 * platform addresses are refused, answers are bounded, and every exchange has a connection of its own.
 */
export class NodeHttpClient implements HttpClient {
  readonly #lookup: LookupFunction;

  /** @param lookUp how names are looked up */
  constructor(lookUp: LookupFunction = lookup) {
    this.#lookup = carefully(lookUp);
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const signal = AbortSignal.timeout(request.timeoutMs);
    try {
      const response = await send(request, this.#lookup, signal);
      return { status: response.statusCode ?? 0, headers: flatten(response), body: await read(response) };
    } catch (error) {
      if (signal.aborted) throw new Error(`no complete answer within ${inSeconds(request.timeoutMs)}`);
      throw new Error(reason(error));
    }
  }
}

function send(
  { method, url: text, headers, body, ca }: HttpRequest,
  lookup: LookupFunction,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const url = new URL(text);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    // A name goes through the look-up, whose answer is what is connected to; an address does not.
    const refusal = isIP(host) ? refusalOf([host]) : null;
    if (refusal) throw refusal;
    const options = { method, headers: { ...headers }, agent: false, lookup, signal } as const;
    const outgoing =
      url.protocol === 'https:'
        ? https.request(url, { ...options, rejectUnauthorized: true, ...(ca && { ca: [...ca] }) }, resolve)
        : http.request(url, options, resolve);
    outgoing.on('error', reject);
    // Some endings, such as a switch of protocols that nobody asked for, are no errors.
    outgoing.on('close', () => reject(new Error('the connection was closed without an answer')));
    outgoing.end(body);
  });
}

/** Looks a name up, and refuses what it finds before anything is sent there. */
function carefully(lookUp: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookUp(hostname, options, (error, found, family) => {
      const addresses = () => (Array.isArray(found) ? found.map(({ address }) => address) : [found]);
      callback(error ?? refusalOf(addresses()), found, family);
    });
  };
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) throw new Error(`the answer is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function flatten({ headers }: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

function inSeconds(ms: number): string {
  return `${ms / 1000} s`;
}

/** Connecting to several addresses of one name fails with an AggregateError, whose message is empty. */
function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join('; ');
  return error instanceof Error ? error.message : String(error);
}
