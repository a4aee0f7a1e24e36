/**
 * The Knative Service of a route. One document without a namespace, which kn, kubectl and kustomize all accept; the
 * labels are those by which `kn func` finds a function it did not build.
 */
import { CONFINED, type KnativeService, SECCOMP } from '../../shared/platform/objects.ts'
import { type Route, routes } from '../../shared/routes/index.ts'
import { memoryEnvironment } from '../image/process.ts'
import { environment, files } from './environment.ts'
import { labelsOf } from './labels.ts'
import { isGranted } from './rbac.ts'

/** Name to be replaced by `images` of a kustomization or `--image` of kn. */
export const IMAGE = 'knative-pod-orchestration'

/** For every container of our image: what Pod Security `restricted` requires, on the container because Serving takes it only there. */
export const HARDENED = { ...CONFINED, readOnlyRootFilesystem: true, runAsNonRoot: true, ...SECCOMP } as const

/** Pods that poll analyses: the policies of runs let them in by this label. */
const POLLS = { component: 'flame-po' } as const

/** The root is read-only: only the log is written, which the kubelet rotates. */
const DISK = { requests: { 'ephemeral-storage': '16Mi' }, limits: { 'ephemeral-storage': '256Mi' } }

const isAlwaysThere = ({ trigger, scale }: Route): boolean => trigger === 'event' || scale.min > 0

const limitOf = (route: Route): string => {
  if (route.trigger === 'event') return '512Mi'
  // Several lines of up to 16 MiB at a time, of which the start and the end are kept.
  return route.body === 'long-texts' ? '384Mi' : '256Mi'
}

/**
 * Memory was measured after 100 requests, and of the reconciler with 1,000 analyses. A CPU request is a share: while analyses keep
 * every core busy, each waking function comes before them, and those that are always there (the loop, lines of analyses) first.
 * A request is also reserved: a rollout starts a pod of each of 30 functions, and all of them have to fit onto a node of 2 cores.
 */
const resourcesOf = (route: Route) => {
  const isLoop = route.trigger === 'event'
  const cpu = isAlwaysThere(route) ? '100m' : '25m'
  const memory = isLoop ? '160Mi' : isGranted(route) ? '128Mi' : '96Mi'
  return {
    requests: { cpu, memory, ...DISK.requests },
    limits: { cpu: '1', memory: limitOf(route), ...DISK.limits },
  }
}

/** The sidecar is not ours to size, but there is one in each pod, on the way of every request: small requests, said once. */
const queueProxyOf = (route: Route) => ({
  'queue.sidecar.serving.knative.dev/cpu-resource-request': isAlwaysThere(route) ? '25m' : '10m',
  'queue.sidecar.serving.knative.dev/memory-resource-request': '32Mi',
})

const container = (route: Route) => ({
  image: IMAGE,
  env: [
    ...environment(route.name, route.settings),
    ...Object.entries(memoryEnvironment(route)).map(([name, value]) => ({ name, value })),
  ],
  ...files(route.settings).volumeMounts,
  resources: resourcesOf(route),
  securityContext: HARDENED,
  // Readiness is left to Knative, which asks for the port every 50 ms: a period here would slow down each cold start.
  livenessProbe: { httpGet: { path: '/health/liveness' }, periodSeconds: 30, timeoutSeconds: 5, failureThreshold: 3 },
})

export const knativeService = (route: Route): KnativeService => ({
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
          ...queueProxyOf(route),
        },
      },
      spec: {
        serviceAccountName: route.name,
        ...(isGranted(route) ? {} : { automountServiceAccountToken: false }),
        enableServiceLinks: false,
        timeoutSeconds: route.scale.timeoutSeconds,
        containerConcurrency: route.scale.concurrency,
        containers: [container(route)],
        ...files(route.settings).volumes,
      },
    },
  },
})
