/**
 * Connects to the sink of a PingSource. A Knative Service has no port that can be forwarded, so the event goes to the
 * queue-proxy of one of its pods. The URL of a broker names a Service, whose port can be forwarded.
 */
import { CommandError } from './errors.ts'
import type { KubectlOptions } from './input.ts'
import { type Forward, forward, read } from './kubectl.ts'

export interface DeployedSource {
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec: {
    readonly data?: string
    readonly dataBase64?: string
    readonly contentType?: string
    readonly ceOverrides?: { readonly extensions?: Readonly<Record<string, string>> }
    readonly sink: {
      readonly ref?: {
        readonly apiVersion?: string
        readonly kind: string
        readonly name: string
        readonly namespace?: string
      }
    }
  }
  readonly status?: { readonly sinkUri?: string }
}

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
  readonly spec: {
    readonly containers: readonly {
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
    }[]
  }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

/** Knative's own Services refer to the port by this name. */
const QUEUE_PORT = 'queue-port'

const isReady = ({ metadata, status }: Pod): boolean =>
  !metadata.deletionTimestamp && (status?.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True')

async function toFunction(cluster: KubectlOptions, name: string): Promise<Forward> {
  const selector = `serving.knative.dev/service=${name}`
  const { items } = await read<{ readonly items: readonly Pod[] }>(cluster, ['pods', '--selector', selector])
  const pod = items.find(isReady)
  const ports = pod?.spec.containers.flatMap((container) => container.ports ?? []) ?? []
  const port = ports.find((each) => each.name === QUEUE_PORT)?.containerPort
  if (pod && port !== undefined) return forward(cluster, `pod/${pod.metadata.name}`, port)
  const all = items.length === 0 ? 'it has none' : `it has ${items.map(({ metadata }) => metadata.name).join(', ')}`
  throw new CommandError(`${name}: expected a pod that is ready, but ${all}; look at: kn service describe ${name}`)
}

/** Parses a URL such as `http://broker-ingress.knative-eventing.svc.cluster.local/default/events`. */
function serviceOf(uri: string) {
  const { hostname, port, pathname, protocol } = new URL(uri)
  const [name, namespace, kind] = hostname.split('.')
  if (!name || !namespace || kind !== 'svc' || protocol !== 'http:') return undefined
  return { name, namespace, port: Number(port) || 80, path: pathname }
}

/** @throws CommandError for a sink that is outside the cluster or not resolved yet */
export async function toSink(cluster: KubectlOptions, { metadata, spec, status }: DeployedSource) {
  const { ref } = spec.sink
  if (ref?.kind === 'Service' && ref.apiVersion?.startsWith('serving.knative.dev/')) {
    const namespace = ref.namespace ?? metadata.namespace
    return { open: () => toFunction({ ...cluster, namespace }, ref.name), path: '/' }
  }
  const service = status?.sinkUri === undefined ? undefined : serviceOf(status.sinkUri)
  if (!service)
    throw new CommandError(
      `PingSource ${metadata.name}: no way to its sink (${status?.sinkUri ?? 'not resolved yet'}); expected --url`,
    )
  const { name, namespace, port, path } = service
  return { open: () => forward({ ...cluster, namespace }, `service/${name}`, port), path }
}
