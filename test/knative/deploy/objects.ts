/** Objects as kustomize renders and the API server answers them. */
import type { Condition, DeployedObject } from '../../../knative/deploy/objects.ts'

export const object = (kind: string, name = 'x', more: Partial<DeployedObject> = {}): DeployedObject => ({
  apiVersion: API[kind] ?? 'v1',
  kind,
  ...more,
  metadata: { name, namespace: 'flame', ...more.metadata },
})

const API: Readonly<Record<string, string>> = {
  Job: 'batch/v1',
  Deployment: 'apps/v1',
  Broker: 'eventing.knative.dev/v1',
  Trigger: 'eventing.knative.dev/v1',
  PingSource: 'sources.knative.dev/v1',
  SinkBinding: 'sources.knative.dev/v1',
  ApiServerSource: 'sources.knative.dev/v1',
  HTTPRoute: 'gateway.networking.k8s.io/v1',
}

export const knativeFunction = (name: string, more: Partial<DeployedObject> = {}): DeployedObject => ({
  ...object('Service', name, more),
  apiVersion: 'serving.knative.dev/v1',
})

export const condition = (type: string, status: string, more: Partial<Condition> = {}): Condition => ({
  type,
  status,
  ...more,
})
