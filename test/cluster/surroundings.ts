/**
 * The other pods of a node: its peers and, if the functions run on this machine, a relay in place of the orchestrator that
 * forwards `/po` to them.
 */
import { ORCHESTRATOR_SERVICE, PEER_SERVICES } from '../sandbox/sandbox.ts'
import { type Api, type ApiObject, eventually, type PodObject } from './api.ts'

/** Port of the containers of peers. */
const PEER_PORT = 8080
/** The pod of the storage service, to reach it without its Service. */
export const STORAGE_POD = 'storage-pod'
export const STORAGE = PEER_SERVICES.storage
export const ORCHESTRATOR = ORCHESTRATOR_SERVICE

type Labels = Readonly<Record<string, string>>
type Env = Readonly<Record<string, string>>

interface Container {
  readonly image: string
  /** File of the repository that replaces the program of the image. */
  readonly entry?: string
  readonly env?: Env
}

/** A plain pod; without labels no policy selects it. */
export const plainPod = (name: string, labels: Labels, { image, entry, env = {} }: Container): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 1,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'main',
        image,
        imagePullPolicy: 'IfNotPresent',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        ...(entry ? { command: ['node', `/app/${entry}`] } : {}),
        env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
      },
    ],
  },
})

const service = (name: string, labels: Labels, port: number, targetPort: number, spec: object = {}): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, labels },
  spec: { selector: labels, ports: [{ name: 'http', port, targetPort }], ...spec },
})

export interface Relay {
  readonly host: string
  readonly port: number
}

function relayObjects(image: string, relay: Relay): readonly ApiObject[] {
  const { name, labels, port } = ORCHESTRATOR_SERVICE
  const env = { UPSTREAM_HOST: relay.host, UPSTREAM_PORT: String(relay.port) }
  return [
    service(name, labels, port, port),
    plainPod(name, labels, { image, entry: 'test/cluster/pods/relay.ts', env }),
  ]
}

function objects(image: string): readonly ApiObject[] {
  const peers = Object.entries(PEER_SERVICES).flatMap(([peer, { name, labels, port }]) => [
    service(name, labels, port, PEER_PORT),
    plainPod(name, labels, { image, entry: 'test/cluster/pods/peer.ts', env: { PEER: peer } }),
  ])
  const storagePod = { ...service(STORAGE_POD, {}, PEER_PORT, PEER_PORT) }
  return [
    ...peers,
    {
      ...storagePod,
      spec: { clusterIP: 'None', selector: STORAGE.labels, ports: [{ name: 'http', port: PEER_PORT }] },
    },
  ]
}

const isReady = ({ status }: PodObject): boolean =>
  status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false

export async function startSurroundings(api: Api, image: string, relay?: Relay): Promise<void> {
  const all = [...objects(image), ...(relay ? relayObjects(image, relay) : [])]
  await Promise.all(all.map((object) => api.create(object)))
  await eventually('peers and relay are ready', async () => (await api.pods('')).every(isReady))
}
