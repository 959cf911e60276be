import type { OwnerReference, Pod } from '../api/objects.ts';

/** `namespace/name`, as people name a pod. */
export function nameOf({ metadata }: Pod): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** The owner that would make a pod again, if there is one. */
export function controllerOf({ metadata }: Pod): OwnerReference | undefined {
  return metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** Whether a pod is Ready and is to stay. */
export function isReady({ status, metadata }: Pod): boolean {
  const ready = status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True');
  return ready === true && metadata.deletionTimestamp === undefined;
}
