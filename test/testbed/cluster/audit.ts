/** The API server's audit log: what every component asks of it. */

import { closeSync, existsSync, openSync, readSync } from 'node:fs';

/** Policy of the API server that the counts below need: who did what to what, without the contents. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  // A long watch is seen when it starts (ResponseStarted), everything else when it is done.
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

/** One request, as the API server saw it. */
export interface AuditedRequest {
  /** When it was received, in milliseconds since 1970. */
  at: number;
  user: string;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, … */
  verb: string;
  /** e.g. `nodes`, `nodes/status`, `pods/eviction`; empty for requests that are not about a resource, e.g. `/readyz`. */
  resource: string;
  namespace: string;
  name: string;
  uri: string;
  /** HTTP status. */
  code: number;
}

/** Fields that a request must have; those left out match everything. */
export interface AuditFilter {
  user?: string;
  verb?: string;
  resource?: string;
  namespace?: string;
  name?: string;
  /** HTTP status. */
  code?: number;
  /** Received at or after this time, in milliseconds since 1970. */
  since?: number;
}

/** Reads the audit log as it grows. */
export class AuditLog {
  readonly file: string;
  readonly #requests: AuditedRequest[] = [];
  /** A watch appears when it starts and when it ends. */
  readonly #seen = new Set<string>();
  #offset = 0;
  #unfinished = '';

  constructor(file: string) {
    this.file = file;
  }

  /** The requests so far that match `filter`, in the order of the log. */
  requests(filter: AuditFilter = {}): AuditedRequest[] {
    this.#readOn();
    return this.#requests.filter((request) => matches(request, filter));
  }

  /** How many requests so far match `filter`. */
  count(filter: AuditFilter = {}): number {
    return this.requests(filter).length;
  }

  /** Counts by user, verb and resource, as text for people: the most frequent first. */
  summary(filter: AuditFilter = {}): string {
    const counts = new Map<string, number>();
    for (const { user, verb, resource, uri } of this.requests(filter)) {
      const key = `${user} ${verb} ${resource || uri.replace(/\?.*/, '')}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const rows = [...counts].sort(([, a], [, b]) => b - a);
    return rows.map(([key, count]) => `${String(count).padStart(7)}  ${key}`).join('\n');
  }

  #readOn(): void {
    const [complete, rest] = splitLast(this.#unfinished + this.#readNewBytes());
    this.#unfinished = rest;
    for (const line of complete) this.#add(JSON.parse(line) as AuditEvent);
  }

  #readNewBytes(): string {
    if (!existsSync(this.file)) return '';
    const file = openSync(this.file, 'r');
    try {
      const chunks: Buffer[] = [];
      for (;;) {
        const chunk = Buffer.alloc(1 << 20);
        const length = readSync(file, chunk, 0, chunk.length, this.#offset);
        if (length === 0) return Buffer.concat(chunks).toString('utf8');
        this.#offset += length;
        chunks.push(chunk.subarray(0, length));
      }
    } finally {
      closeSync(file);
    }
  }

  #add(event: AuditEvent): void {
    if (this.#seen.has(event.auditID)) return;
    this.#seen.add(event.auditID);
    const { objectRef } = event;
    this.#requests.push({
      at: Date.parse(event.requestReceivedTimestamp),
      user: event.impersonatedUser?.username ?? event.user.username,
      verb: event.verb,
      resource: [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/'),
      namespace: objectRef?.namespace ?? '',
      name: objectRef?.name ?? '',
      uri: event.requestURI,
      code: event.responseStatus?.code ?? 0,
    });
  }
}

/** What we read of an event of audit.k8s.io/v1. */
interface AuditEvent {
  auditID: string;
  requestReceivedTimestamp: string;
  user: { username: string };
  impersonatedUser?: { username: string };
  verb: string;
  requestURI: string;
  objectRef?: { resource?: string; subresource?: string; namespace?: string; name?: string };
  responseStatus?: { code?: number };
}

function matches(request: AuditedRequest, { since, ...fields }: AuditFilter): boolean {
  if (since !== undefined && request.at < since) return false;
  return Object.entries(fields).every(([field, value]) => request[field as keyof AuditedRequest] === value);
}

/** The complete lines of a text, and what follows the last of them. */
function splitLast(text: string): [string[], string] {
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  return [lines, rest];
}
