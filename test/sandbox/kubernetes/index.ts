/**
 * A Kubernetes API on a bare machine: objects in memory, custom kinds, controllers for ownership, Deployments, Jobs, CronJobs
 * and Knative Services, and a kubelet whose containers are local processes. Clients reach it with the KUBECONFIG it writes.
 *
 * Not enforced: NetworkPolicies and roles (any request with the token may do anything), resources, security contexts.
 * Trusted as far as `test/conformance/cluster.ts`, which the real API server passes too. May import: nothing of ours.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServerIdentity, type ServerIdentity } from './certificate.ts'
import type { Image } from './container.ts'
import { cronClock, startCronJobs } from './cron-jobs.ts'
import { startCustomKinds } from './custom-kinds.ts'
import { startGarbageCollector } from './garbage.ts'
import { createApi } from './http.ts'
import { startJobs } from './job-controller.ts'
import { startKnativeServices, type UrlOf } from './knative-services.ts'
import { type Kubelet, type KubeletOptions, startKubelet } from './kubelet.ts'
import { type KubeObject, kindNamed } from './objects.ts'
import { createResources, type Resources } from './resources.ts'
import { type Address, createServices, type StaticService } from './services.ts'
import { createStore, type Store } from './store.ts'
import { createSubresources } from './subresources.ts'
import { startWorkloads } from './workloads.ts'

export interface KubernetesOptions {
  /** 0 or nothing: any free port of the loopback address. */
  readonly port?: number
  readonly namespace?: string
  /** What a container's image name means here; `idle`: a container without a process. */
  readonly images?: Readonly<Record<string, Image | 'idle'>>
  /** False: an API and a garbage collector only; Deployments stay without pods. */
  readonly startPods?: boolean
  /** First delay before a crashed container starts again. */
  readonly backoffMs?: number
  /** Longest time between SIGTERM and SIGKILL. */
  readonly maxGraceMs?: number
  /** Bytes of log kept per container run. */
  readonly logBytes?: number
  /** Speaks TLS with a certificate of its own: kubectl sends no token without. */
  readonly secure?: boolean
  /** Where the stand-in for Knative Serving says that a Service answers; default: its name in a cluster. */
  readonly serviceUrl?: UrlOf
  /** How long a minute of CronJobs takes. */
  readonly cronMinuteMs?: number
  /** Called for every request for an object or a list before the response; a `Failure` that it throws is the response. */
  readonly onRequest?: (method: string, path: string) => void
}

export interface Kubernetes {
  readonly url: string
  readonly token: string
  readonly namespace: string
  /** The text of a KUBECONFIG file. */
  kubeconfig(): string
  /** A Service that leads to a fixed local address, for peers that are no pods. */
  addService(service: StaticService): void
  /** Creates a kind by its CustomResourceDefinition. */
  define(definition: unknown): void
  /** The current endpoint of a Service. */
  address(service: string, port: number | string): Address | undefined
  /** Ends all processes and connections. */
  stop(): Promise<void>
}

export async function startKubernetes(options: KubernetesOptions = {}): Promise<Kubernetes> {
  const namespace = options.namespace ?? 'flame'
  const token = randomBytes(24).toString('base64url')
  const runsPods = options.startPods ?? true

  const store = createStore()
  const resources = createResources(store, () => runsPods)
  for (const name of new Set(['default', namespace])) createNamespace(name)

  const stops = [startGarbageCollector(store, resources), startCustomKinds(store, resources), startNamespaces()]
  if (runsPods) stops.push(...startControllers(store, resources, options))
  const kubelet = runsPods ? startKubelet(store, resources, runtimeOf(options)) : NO_KUBELET
  const services = createServices(store, resources, kubelet)
  const subresources = createSubresources(resources, kubelet, services)
  const identity = options.secure ? createServerIdentity() : undefined
  const server = createApi({ store, resources, token, subresources, onRequest: options.onRequest, identity })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  const url = `${identity ? 'https' : 'http'}://127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}`

  function createNamespace(name: string): void {
    resources.create(
      kindNamed('Namespace'),
      undefined,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      'sandbox',
    )
  }

  /** What is in a namespace goes with it. */
  function startNamespaces(): () => void {
    return store.onChange(({ type, kind, object }) => {
      if (kind.kind !== 'Namespace' || type !== 'DELETED') return
      for (const one of store.kinds.all().filter(({ namespaced }) => namespaced)) {
        for (const { metadata } of store.list(one, object.metadata.name)) {
          resources.remove(one, metadata.namespace, metadata.name, { propagationPolicy: 'Background' })
        }
      }
    })
  }

  return {
    url,
    token,
    namespace,
    kubeconfig: () => kubeconfig(url, token, namespace, identity),
    addService: (service) => services.add(namespace, service),
    define: (definition) => {
      const kind = kindNamed('CustomResourceDefinition')
      const { name } = (definition as KubeObject).metadata
      resources.apply(kind, undefined, name, definition, 'sandbox', true)
    },
    address: (service, port) => services.address(namespace, service, port),
    async stop() {
      for (const stop of stops) stop()
      await kubelet.stop()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

const BACKOFF_MS = 250

const startControllers = (store: Store, resources: Resources, options: KubernetesOptions): (() => void)[] => [
  startWorkloads(store, resources),
  startJobs(store, resources, options.backoffMs ?? BACKOFF_MS),
  startCronJobs(store, resources, cronClock(options.cronMinuteMs)),
  startKnativeServices(store, resources, options.serviceUrl ?? clusterUrl),
]

const clusterUrl: UrlOf = async (namespace, service) => `http://${service}.${namespace}.svc.cluster.local`

const NO_KUBELET: Kubelet = { containers: () => [], stop: async () => undefined }

const runtimeOf = (options: KubernetesOptions): KubeletOptions => ({
  images: options.images ?? {},
  backoffMs: options.backoffMs ?? BACKOFF_MS,
  maxGraceMs: options.maxGraceMs ?? 3_000,
  logBytes: options.logBytes ?? 12 * 1024 * 1024,
})

/** JSON is YAML. Clients refuse plain http without the flag. */
function kubeconfig(server: string, token: string, namespace: string, identity: ServerIdentity | undefined): string {
  const trust = identity
    ? { 'certificate-authority-data': Buffer.from(identity.cert).toString('base64') }
    : { 'insecure-skip-tls-verify': true }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sandbox', cluster: { server, ...trust } }],
    users: [{ name: 'sandbox', user: { token } }],
    contexts: [{ name: 'sandbox', context: { cluster: 'sandbox', user: 'sandbox', namespace } }],
    'current-context': 'sandbox',
  }
  return `${JSON.stringify(config, null, 2)}\n`
}
