/** A client pod in the cluster, and functions of users, besides the installation. */
import type { ApiObject, PodObject } from '../api.ts'
import { eventually } from '../api.ts'
import { loadPrograms } from '../images.ts'
import type { Load, Loaded } from '../pods/client.ts'
import { plainPod } from '../surroundings.ts'
import type { Node } from './node.ts'

export const SUPPORT = {
  client: { entry: 'test/cluster/pods/client.ts' },
  listener: { entry: 'test/cluster/pods/listener.ts' },
  bare: { entry: 'test/cluster/pods/bare.mjs' },
  chatty: { entry: 'test/cluster/pods/chatty.ts' },
} as const
export type SupportImages = Readonly<Record<keyof typeof SUPPORT, string>>

export const loadSupport = ({ environment }: Node): Promise<SupportImages> => loadPrograms(environment, SUPPORT)

export interface Client {
  load(load: Load): Promise<Loaded>
  stop(): Promise<unknown>
}

const CLIENT_PORT = 8080

/** A pod that sends requests from inside the cluster. */
export async function startClient({ api }: Node, image: string, name: string): Promise<Client> {
  const labels = { app: name }
  await api.create(plainPod(name, labels, { image }))
  await api.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: labels, ports: [{ name: 'http', port: CLIENT_PORT }] },
  })
  const path = `/api/v1/namespaces/${api.namespace}/services/${name}:http/proxy/load`
  await eventually('the client answers', () =>
    api.ask(name, CLIENT_PORT, '/').then(
      () => true,
      (error: unknown) => String(error).includes('ready'),
    ),
  )
  return {
    async load(load) {
      const done = await api.json<Loaded>('POST', path, load, AbortSignal.timeout(600_000))
      if (!done) throw new Error('the client is gone')
      return done
    },
    stop: () => Promise.all([api.remove('Pod', name, 'Background'), api.remove('Service', name, 'Background')]),
  }
}

/** A user's Knative Service: cluster-local, with the Pod Security of the namespace. */
export const userFunction = (
  name: string,
  image: string,
  annotations: Readonly<Record<string, string>>,
): ApiObject => ({
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: { name, labels: { 'networking.knative.dev/visibility': 'cluster-local' } },
  spec: {
    template: {
      metadata: { annotations },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        containers: [
          {
            image,
            resources: { requests: { cpu: '25m', memory: '96Mi' }, limits: { cpu: '1', memory: '256Mi' } },
            securityContext: {
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'] },
              readOnlyRootFilesystem: true,
              runAsNonRoot: true,
              seccompProfile: { type: 'RuntimeDefault' },
            },
          },
        ],
      },
    },
  },
})

export const isReady = (object: ApiObject | undefined): boolean => {
  const { conditions = [] } = (object?.['status'] ?? {}) as Partial<PodObject['status']>
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

export async function startFunction({ api }: Node, object: ApiObject): Promise<void> {
  await api.create(object, 'KnativeService')
  const { name } = object.metadata
  await eventually(`${name} is ready`, async () => isReady(await api.find('KnativeService', name)))
}

/** Pods of a function that are not terminating. */
export const podsOfFunction = async ({ api }: Node, name: string): Promise<readonly PodObject[]> =>
  (await api.pods(`serving.knative.dev/service=${name}`)).filter(({ metadata }) => !metadata.deletionTimestamp)

export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
export const median = (values: readonly number[]): number => quantile(values, 0.5)
