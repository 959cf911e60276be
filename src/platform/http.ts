import { lookup } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { HttpClient, HttpRequest, HttpResponse } from './httpClient.ts';

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Link-local addresses: the clouds' metadata services, which hand out credentials, are there. */
const forbidden = new BlockList();
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addAddress('fd00:ec2::254', 'ipv6');

/**
 * HTTP and HTTPS for addresses that people have written into resources. Redirects are not followed, link-local
 * addresses are refused, answers are bounded, and every exchange has a connection of its own.
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
      if (signal.aborted) throw new Error(`no complete answer within ${request.timeoutMs} ms`, { cause: error });
      throw new Error(reason(error), { cause: error });
    }
  }
}

function send(
  { method, url: text, headers, body }: HttpRequest,
  lookup: LookupFunction,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const url = new URL(text);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const refusal = isIP(host) ? refusalOf([host]) : null;
    if (refusal) throw refusal;
    const { request } = url.protocol === 'https:' ? https : http;
    const outgoing = request(url, { method, headers: { ...headers }, agent: false, lookup, signal }, resolve);
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Looks a name up, and refuses what it finds before anything is sent there. */
function carefully(lookUp: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookUp(hostname, options, (error, found, family) => {
      const addresses = Array.isArray(found) ? found.map(({ address }) => address) : [found];
      callback(error ?? refusalOf(addresses), found, family);
    });
  };
}

function refusalOf(addresses: readonly string[]): Error | null {
  const refused = addresses.find((address) => forbidden.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'));
  return refused === undefined ? null : new Error(`${refused} is a link-local address`);
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

/** Connecting to several addresses of one name fails with an AggregateError, whose message is empty. */
function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join('; ');
  return error instanceof Error ? error.message : String(error);
}
