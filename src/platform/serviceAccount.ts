import { readFile } from 'node:fs/promises';
import type { Clock } from './clock.ts';
import type { Credentials } from './https.ts';

/** Where a pod finds its token, the API server's CA and its namespace. */
export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The kubelet rotates tokens long before they end; reading them this often is enough. In milliseconds. */
const TOKEN_KEEPS_MS = 60_000;

export interface ServiceAccountFiles {
  server: URL;
  caFile: string;
  tokenFile: string;
}

/** Credentials from a mounted ServiceAccount token, which is read again as it rotates, and at once when it was refused. */
export function serviceAccountCredentials(
  { server, caFile, tokenFile }: ServiceAccountFiles,
  clock: Clock,
): Credentials {
  let kept: { token: string; ca: string; at: number } | null = null;
  return async (refused) => {
    if (refused || kept === null || clock.monotonic() - kept.at > TOKEN_KEEPS_MS) {
      const [token, ca] = await Promise.all([readFile(tokenFile, 'utf8'), readFile(caFile, 'utf8')]);
      kept = { token: token.trim(), ca, at: clock.monotonic() };
    }
    return { server, ca: kept.ca, headers: { authorization: `Bearer ${kept.token}` } };
  };
}
