import type { DaemonSet } from '../api/objects.ts';

/** Products that reboot nodes from a DaemonSet, each with what its images or its names have in common. */
const PRODUCTS: readonly (readonly [product: string, sign: RegExp])[] = [
  ['kured', /(^|[/-])kured($|[:@-])/],
  ['Bottlerocket update operator', /bottlerocket-update-operator|brupop-agent/],
  ['Flatcar Linux update operator', /flatcar-linux-update-(operator|agent)/],
];

/** What other users of a DaemonSet write its lock into; kured's. */
const KURED_LOCK = 'weave.works/kured-node-lock';

/**
 * Which product that reboots nodes a DaemonSet belongs to; empty for none, for one that runs nowhere, and for one that
 * cannot reach its host: whoever may only make harmless pods must not be able to stop reboots by a name.
 */
export function productOf({ metadata, spec, status }: DaemonSet): string {
  if (status?.desiredNumberScheduled === 0 || !reachesHost(spec?.template?.spec)) return '';
  const images = spec?.template?.spec?.containers?.map(({ image = '' }) => image) ?? [];
  const label = metadata.labels?.['app.kubernetes.io/name'] ?? '';
  const signs = [...images, metadata.name, label];
  const product = PRODUCTS.find(([, sign]) => signs.some((text) => sign.test(text)))?.[0];
  return product ?? (metadata.annotations?.[KURED_LOCK] === undefined ? '' : 'kured');
}

function reachesHost(spec: PodTemplate | undefined): boolean {
  const privileged = spec?.containers?.some(({ securityContext }) => securityContext?.privileged === true) === true;
  return privileged || spec?.hostPID === true || spec?.volumes?.some(({ hostPath }) => hostPath !== undefined) === true;
}

type PodTemplate = NonNullable<NonNullable<NonNullable<DaemonSet['spec']>['template']>['spec']>;
