import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Credentials } from './https.ts';

/** Credentials as a kubeconfig says: certificates, tokens, token files, exec plugins. client-node renews what expires. */
export function kubeConfigCredentials(kubeConfig: KubeConfig): Credentials {
  return async () => {
    const cluster = kubeConfig.getCurrentCluster();
    if (cluster === null) throw new Error('the kubeconfig names no current cluster');
    const options: RequestOptions = {};
    await kubeConfig.applyToHTTPSOptions(options);
    const { agent: _, ...rest } = options;
    return { ...rest, server: new URL(cluster.server) };
  };
}
