/** The programs of the test bed, and how they are built from the Go modules beside this folder. */

import { join } from 'node:path';

/** Programs that are built together, by one call of `go build`. */
export interface Family {
  name: string;
  /** Folder of the Go module that pins their versions. */
  module: string;
  /** Program name → Go package. */
  packages: Record<string, string>;
  /** Arguments of `go build`. */
  flags: readonly string[];
}

const KUBERNETES = 'v1.36.4';
const KWOK = 'v0.8.0';

const kubernetesFlags = ['-tags', 'selinux,notest,grpcnotrace', '-ldflags', `-s -w -buildid= ${versionStamps()}`];
const folder = (name: string): string => join(import.meta.dirname, '..', name);

export const families: readonly Family[] = [
  {
    name: 'etcd',
    module: folder('kubernetes'),
    packages: { etcd: 'go.etcd.io/etcd/server/v3' },
    flags: ['-ldflags', '-s -w'],
  },
  // Two families, because KUBEBUILDER_ASSETS usually replaces the first and not the second.
  {
    name: 'kubernetes',
    module: folder('kubernetes'),
    packages: kubernetesPackages('kube-apiserver', 'kubectl'),
    flags: kubernetesFlags,
  },
  {
    name: 'kubernetes-controllers',
    module: folder('kubernetes'),
    packages: kubernetesPackages('kube-controller-manager', 'kube-scheduler'),
    flags: kubernetesFlags,
  },
  {
    name: 'kwok',
    module: folder('kwok'),
    packages: { kwok: 'sigs.k8s.io/kwok/cmd/kwok' },
    flags: ['-ldflags', `-s -w -X sigs.k8s.io/kwok/pkg/consts.Version=${KWOK}`],
  },
  {
    name: 'prometheus',
    module: folder('prometheus'),
    packages: {
      prometheus: 'github.com/prometheus/prometheus/cmd/prometheus',
      promtool: 'github.com/prometheus/prometheus/cmd/promtool',
    },
    // Service discovery for clouds is most of Prometheus' code and compile time, and the bed uses none.
    flags: ['-tags', 'remove_all_sd,netgo', '-ldflags', '-s -w'],
  },
];

function kubernetesPackages(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, `k8s.io/kubernetes/cmd/${name}`]));
}

/**
 * A Kubernetes built without its own scripts reports the version v0.0.0-master, and refuses to work with features of
 * real versions.
 */
function versionStamps(): string {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(KUBERNETES) ?? [];
  const values = {
    gitVersion: KUBERNETES,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    gitCommit: '0'.repeat(40),
    buildDate: '1970-01-01T00:00:00Z',
  };
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .flatMap((target) => Object.entries(values).map(([name, value]) => `-X ${target}.${name}=${value}`))
    .join(' ');
}
