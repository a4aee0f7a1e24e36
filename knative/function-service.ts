/**
 * The Knative Service of a route. One document without a namespace, so that kn, kubectl and kustomize all take it; the
 * labels are those by which `kn func` finds a function it did not build.
 */
import type { KubernetesObject } from '../shared/po/ports.ts'
import { type Route, routes } from '../shared/routes.ts'
import { environment, files } from './environment.ts'
import { labelsOf } from './labels.ts'
import { memoryEnvironment } from './process.ts'
import { isGranted } from './rbac.ts'

/** Name to be replaced by `images` of a kustomization or `--image` of kn. */
export const IMAGE = 'knative-pod-orchestration'

/** For every container; what Pod Security `restricted` asks for, in the only place where Knative takes it. */
export const CONFINED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
} as const

/** Pods that poll analyses: the policies of runs let them in by this label. */
const POLLS = { component: 'flame-po' } as const

/** Measured after 100 requests; the reconciler with 1,000 analyses. A start takes all the CPU it can get. */
const resourcesOf = (route: Route) => {
  const requests = (memory: string) => ({ cpu: '25m', memory })
  if (route.trigger === 'event')
    return { requests: { cpu: '100m', memory: '160Mi' }, limits: { cpu: '1', memory: '512Mi' } }
  return { requests: requests(isGranted(route) ? '128Mi' : '96Mi'), limits: { cpu: '1', memory: '256Mi' } }
}

/** The sidecar is not ours to size, but there is one in each pod: small requests, said once. */
const SIDECAR = {
  'queue.sidecar.serving.knative.dev/cpu-resource-request': '10m',
  'queue.sidecar.serving.knative.dev/memory-resource-request': '32Mi',
}

const container = (route: Route) => ({
  image: IMAGE,
  env: [
    ...environment(route.name, route.settings),
    ...Object.entries(memoryEnvironment(route)).map(([name, value]) => ({ name, value })),
  ],
  ...files(route.settings).volumeMounts,
  resources: resourcesOf(route),
  securityContext: CONFINED,
  // Readiness is left to Knative, which asks for the port every 50 ms: a period here would slow down each cold start.
  livenessProbe: { httpGet: { path: '/health/liveness' }, periodSeconds: 30, timeoutSeconds: 5, failureThreshold: 3 },
})

export const knativeService = (route: Route): KubernetesObject => ({
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: {
    name: route.name,
    labels: {
      ...labelsOf(route.name, 'function'),
      'networking.knative.dev/visibility': 'cluster-local',
      'function.knative.dev': 'true',
      'function.knative.dev/name': route.name,
      'function.knative.dev/runtime': 'typescript',
    },
  },
  spec: {
    template: {
      metadata: {
        labels: { ...labelsOf(route.name, 'function'), ...(route === routes.po.statusReconcile ? POLLS : {}) },
        annotations: {
          'autoscaling.knative.dev/min-scale': String(route.scale.min),
          'autoscaling.knative.dev/max-scale': String(route.scale.max),
          ...SIDECAR,
        },
      },
      spec: {
        serviceAccountName: route.name,
        ...(isGranted(route) ? {} : { automountServiceAccountToken: false }),
        enableServiceLinks: false,
        timeoutSeconds: route.scale.timeoutSeconds,
        containers: [container(route)],
        ...files(route.settings).volumes,
      },
    },
  },
})
