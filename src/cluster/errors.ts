import type { TransportResponse } from '../platform/transport.ts';

interface Status {
  reason?: string;
  message?: string;
  details?: { causes?: { reason?: string; message?: string }[]; retryAfterSeconds?: number };
}

/** An answer of the API server other than 2xx. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** The Status object's reason, such as NotFound; empty if the answer was none. */
  readonly reason: string;
  readonly causes: readonly { reason: string; message: string }[];
  /** How long the server asks to wait, milliseconds; 0 if it does not say. */
  readonly retryAfterMs: number;

  constructor(what: string, response: TransportResponse) {
    const status = parse(response.body);
    super(`${what}: ${response.status} ${status.message ?? response.body.slice(0, 200)}`);
    this.status = response.status;
    this.reason = status.reason ?? '';
    this.causes = (status.details?.causes ?? []).map(({ reason = '', message = '' }) => ({ reason, message }));
    const header = Number(response.headers['retry-after'] ?? 0);
    const seconds = Number.isFinite(header) ? header : 0;
    this.retryAfterMs = Math.max(seconds, status.details?.retryAfterSeconds ?? 0) * 1000;
  }
}

function parse(body: string): Status {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** Somebody else was first: the resourceVersion, the UID or the name is not what the write expected. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}

/** The resourceVersion of a watch is too old: list again. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 410 || error.reason === 'Expired');
}
