/** Who asks the API server: every component of a test has an identity of its own, so that RBAC and audit are real. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { CertificateAndKey } from './certificates.ts';

/** Where an API server is and how its certificate is checked. */
export interface Endpoint {
  /** e.g. `https://127.0.0.1:20001` */
  server: string;
  caFile: string;
  /** PEM text of the CA's certificate. */
  ca: string;
}

/** What proves an identity. */
export type Credentials = CertificateAndKey | { token: string };

/** A user of the API server, with files for programs that want them. */
export interface Identity {
  /** The user's name as the API server and its audit log see it. */
  readonly user: string;
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
  /** Path of a kubeconfig with the credentials in it. */
  readonly kubeconfig: string;
  /** Path of a file with just the token; only for identities that have one. */
  readonly tokenFile?: string;
  /** A client-node configuration of this identity. */
  config(): KubeConfig;
}

/** Writes the files of an identity to `folder` and returns it. The same name again replaces the files. */
export function makeIdentity(
  folder: string,
  fileName: string,
  user: string,
  endpoint: Endpoint,
  credentials: Credentials,
): Identity {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const kubeconfig = join(folder, `${fileName}.kubeconfig`);
  writeFileSync(kubeconfig, JSON.stringify(kubeconfigOf(user, endpoint, credentials), null, 2), { mode: 0o600 });
  const config = (): KubeConfig => {
    const loaded = new KubeConfig();
    loaded.loadFromFile(kubeconfig);
    return loaded;
  };
  const identity = { user, endpoint, credentials, kubeconfig, config };
  if (!('token' in credentials)) return identity;
  const tokenFile = join(folder, `${fileName}.token`);
  writeFileSync(tokenFile, credentials.token, { mode: 0o600 });
  return { ...identity, tokenFile };
}

/** A kubeconfig is YAML, and JSON is YAML. */
function kubeconfigOf(user: string, endpoint: Endpoint, credentials: Credentials): object {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const proof =
    'token' in credentials
      ? { token: credentials.token }
      : { 'client-certificate-data': base64(credentials.cert), 'client-key-data': base64(credentials.key) };
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'testbed',
    contexts: [{ name: 'testbed', context: { cluster: 'testbed', user } }],
    clusters: [
      {
        name: 'testbed',
        cluster: { server: endpoint.server, 'certificate-authority-data': base64(endpoint.ca) },
      },
    ],
    users: [{ name: user, user: proof }],
  };
}
