/** ServiceAccount tokens, made as a kubelet makes them for its pods. */

import type { Api } from './api.ts';

/** Tests are shorter; the playground stays up for a working day. */
const EXPIRATION_SECONDS = 24 * 3600;

export interface ServiceAccountRef {
  namespace: string;
  name: string;
}

/** A token of a ServiceAccount; with `node` it is bound to that Node and names it in a claim. */
export async function requestToken(api: Api, account: ServiceAccountRef, node?: string): Promise<string> {
  const bound = node === undefined ? {} : { boundObjectRef: await nodeReference(api, node) };
  const path = `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`;
  const { status } = await api.json<{ status: { token: string } }>(path, {
    method: 'POST',
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: EXPIRATION_SECONDS, ...bound },
    },
  });
  return status.token;
}

async function nodeReference(api: Api, name: string): Promise<object> {
  // With the UID the token ends with this Node: one of the same name made later is another node.
  const node = await api.json<{ metadata: { uid: string } }>(`/api/v1/nodes/${name}`);
  return { apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid };
}
