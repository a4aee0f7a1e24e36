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

/** Pod Security `restricted`, for every container of our image. Serving accepts these fields only on the container. */
export const HARDENED = { ...CONFINED, readOnlyRootFilesystem: true, runAsNonRoot: true, ...SECCOMP } as const

/** Label of pods that poll analyses. The policies of runs allow their ingress. */
const POLLS = { component: 'flame-po' } as const

/** Containers write only their log, which the kubelet rotates. */
const DISK = { requests: { 'ephemeral-storage': '16Mi' }, limits: { 'ephemeral-storage': '256Mi' } }

const isAlwaysThere = ({ trigger, scale }: Route): boolean => trigger === 'event' || scale.min > 0

const limitOf = (route: Route): string => {
  if (route.trigger === 'event') return '512Mi'
  // Several lines of up to 16 MiB at a time; the middle of each is dropped.
  return route.body === 'long-texts' ? '384Mi' : '256Mi'
}

/**
 * Memory was measured after 100 requests, and for the loop with 1,000 analyses. While analyses use every core, CPU requests
 * give functions priority over them, and functions that always run the highest. Requests are small enough for a rollout that
 * starts a pod of each of 30 functions on a node with 2 cores.
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

/** Every pod has a queue-proxy, so its requests are small. */
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
  // Knative itself probes the port every 50 ms; a readiness probe with a period would slow down each cold start.
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
