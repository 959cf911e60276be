/** Who a ServiceAccount token says its node is. */
export interface NodeClaim {
  name: string;
  uid: string;
}

/**
 * Reads the node claim of a ServiceAccount token, which Kubernetes 1.33 and later put into every token that is bound to
 * a pod or a node. The token is not verified: the API server does that, and the admission policy compares the claim.
 *
 * @throws Error when there is none
 */
export function nodeClaimOf(token: string): NodeClaim {
  const payload = token.split('.')[1] ?? '';
  let claims: { 'kubernetes.io'?: { node?: { name?: unknown; uid?: unknown } } };
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) ?? {};
  } catch {
    throw new Error('the service account token is not a JSON Web Token');
  }
  const { name, uid } = claims['kubernetes.io']?.node ?? {};
  if (typeof name === 'string' && typeof uid === 'string') return { name, uid };
  throw new Error(
    'the service account token names no node: it has to be bound to a pod or a node, and Kubernetes has to be 1.33 or later',
  );
}
