/** What the demo's cluster runs, and the policy that it is run by. */

export const POLICY = `apiVersion: drydock.dev/v1alpha1
kind: RebootPolicy
metadata:
  name: workers
spec:
  nodeSelector:
    matchLabels: {pool: workers}
  mode: Enforce
  settle: 3s
  disruption:
    maxUnavailable: 1
  gates:
    prometheus:
      url: http://prometheus:9090
  drain:
    timeout: 5m
  failure:
    backoff: {first: 5s, max: 5s}`;

export const SHOP = deployment('shop', 6);

/** Its budget allows no disruption until somebody relaxes it, and its pods cannot run on the spare node. */
export const DATABASE = `${deployment('database', 1, 'pool: workers')}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: database, namespace: default}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: database}}`;

function deployment(name: string, replicas: number, nodeSelector = ''): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: default}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      terminationGracePeriodSeconds: 1
      nodeSelector: {${nodeSelector}}
      containers: [{name: main, image: example.invalid/main}]`;
}
