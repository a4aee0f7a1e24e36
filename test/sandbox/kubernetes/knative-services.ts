/**
 * A stand-in for Knative Serving: a Service of `serving.knative.dev` is a Deployment of one pod behind a Service of its
 * name, at a URL of this machine. It never scales to zero, and keeps no revision but the last.
 */
import { badRequest } from './failure.ts'
import { equal } from './merge.ts'
import { type KubeObject, kindNamed } from './objects.ts'
import { controllerRef, createQueue } from './queue.ts'
import type { Resources } from './resources.ts'
import { type Store, timestamp } from './store.ts'

const SERVICES = kindNamed('Service', 'serving.knative.dev')
const LABEL = 'serving.knative.dev/service'
const MANAGER = 'controller'
const PORT = 8080

export type UrlOf = (namespace: string, service: string) => Promise<string>

interface Container {
  readonly env?: readonly { readonly name: string; readonly valueFrom?: { readonly fieldRef?: object } }[]
  readonly ports?: readonly { readonly containerPort: number }[]
  readonly readinessProbe?: object
}

interface Template {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> }
  readonly spec: { readonly initContainers?: readonly object[]; readonly containers: readonly Container[] }
}

const templateOf = (service: KubeObject) => (service['spec'] as { template?: Template } | undefined)?.template

/** What its webhook says no to, in its words. */
export function assertServable(service: KubeObject): void {
  const at = 'spec.template.spec'
  const { initContainers = [], containers = [] } = templateOf(service)?.spec ?? {}
  const faults = [
    ...(containers.length === 0 ? [`missing field(s): ${at}.containers`] : []),
    ...containers.flatMap(({ env = [] }, n) =>
      env.flatMap(({ name, valueFrom }, m) => [
        ...(name === 'PORT'
          ? [`"PORT" is a reserved environment variable: ${at}.containers[${n}].env[${m}].name`]
          : []),
        ...(valueFrom?.fieldRef
          ? [`must not set the field(s): ${at}.containers[${n}].env[${m}].valueFrom.fieldRef`]
          : []),
      ]),
    ),
    ...(initContainers.length > 0 ? [`must not set the field(s): ${at}.initContainers`] : []),
  ]
  if (faults.length === 0) return
  const hook = 'admission webhook "validation.webhook.serving.knative.dev" denied the request'
  throw badRequest(`${hook}: validation failed: ${faults.join('\n')}`)
}

export function startKnativeServices(store: Store, resources: Resources, urlOf: UrlOf): () => void {
  const queue = createQueue((uid) => {
    const object = store.byUid(uid)
    if (object && store.kinds.of(object) === SERVICES && object.metadata.deletionTimestamp === undefined)
      void attend(object)
  })

  async function attend(service: KubeObject): Promise<void> {
    const { name, namespace = '', generation = 1 } = service.metadata
    const revision = `${name}-${String(generation).padStart(5, '0')}`
    applyOwned(service, deployment(service, revision))
    applyOwned(service, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: {
        selector: { [LABEL]: name },
        ports: [{ name: 'http', port: 80, targetPort: portOf(service) }],
      },
    })
    const url = await urlOf(namespace, name)
    report(service, revision, url)
  }

  function applyOwned(service: KubeObject, object: Part): void {
    const { namespace } = service.metadata
    const metadata = { ...object.metadata, ownerReferences: [controllerRef(service)] }
    const kind = store.kinds.of(object)
    try {
      resources.apply(kind, namespace, metadata.name, { ...object, metadata }, MANAGER, true)
    } catch {
      // Its namespace goes.
    }
  }

  function report(service: KubeObject, revision: string, url: string): void {
    const live = store.byUid(service.metadata.uid)
    if (!live) return
    const { namespace, name, generation } = live.metadata
    const running = store.get(kindNamed('Deployment'), namespace, `${name}-deployment`)
    const isReady = ((running?.['status'] as { readyReplicas?: number } | undefined)?.readyReplicas ?? 0) > 0
    const before = (live['status'] as { conditions?: readonly { status: string; lastTransitionTime: string }[] }) ?? {}
    const state = isReady ? 'True' : 'Unknown'
    const old = before.conditions?.[0]
    const since = old?.status === state ? old.lastTransitionTime : timestamp()
    const condition = (type: string) => ({ type, status: state, lastTransitionTime: since })
    const status = {
      observedGeneration: generation,
      url,
      address: { url },
      latestCreatedRevisionName: revision,
      ...(isReady ? { latestReadyRevisionName: revision } : {}),
      conditions: ['ConfigurationsReady', 'Ready', 'RoutesReady'].map(condition),
    }
    if (!equal(status, live['status'])) resources.write({ ...live, status })
  }

  const stop = store.onChange(({ kind, object }) => {
    if (kind === SERVICES) queue.add(object.metadata.uid)
    for (const { uid, controller } of object.metadata.ownerReferences ?? []) if (controller) queue.add(uid)
  })
  return () => {
    stop()
    queue.stop()
  }
}

interface Part {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: object }
  readonly spec: object
}

const portOf = (service: KubeObject): number =>
  templateOf(service)?.spec.containers[0]?.ports?.[0]?.containerPort ?? PORT

function deployment(service: KubeObject, revision: string) {
  const { name, labels = {} } = service.metadata
  const template = templateOf(service)
  const own = { [LABEL]: name, 'serving.knative.dev/revision': revision }
  const containers = (template?.spec.containers ?? []).map((container) => ({
    ...container,
    env: [...(container.env ?? []), { name: 'K_SERVICE', value: name }, { name: 'K_REVISION', value: revision }],
  }))
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `${name}-deployment`, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: { [LABEL]: name } },
      template: {
        metadata: { ...template?.metadata, labels: { ...template?.metadata?.labels, ...own } },
        spec: { ...template?.spec, containers },
      },
    },
  }
}
