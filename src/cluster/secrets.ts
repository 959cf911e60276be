import type { Secret } from '../api/objects.ts';
import { TransportError } from '../platform/transport.ts';
import { ApiError, isNotFound } from './errors.ts';
import type { KubeApi } from './kubeApi.ts';
import * as paths from './paths.ts';

/**
 * Reads Secrets of one namespace by name, anew each time; undefined where there is none.
 *
 * @throws ApiError, TransportError or Error; what an answer holds is in none of their messages
 */
export function secretReader(api: KubeApi, namespace: string): (name: string) => Promise<Secret | undefined> {
  return async (name) => {
    try {
      return await api.get<Secret>(paths.secret(namespace, name));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (error instanceof ApiError || error instanceof TransportError) throw error;
      // The message of a parser's error quotes what was parsed.
      throw new Error("the API server's answer is not understood");
    }
  };
}
