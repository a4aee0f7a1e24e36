/**
 * A node on a real cluster: a namespace with peers and relay in pods, the functions and the services they need on this
 * machine. `stop` always removes the namespace and all processes.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Route } from '../../shared/routes/index.ts'
import { KONG_TOKEN } from '../sandbox/peers.ts'
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts'
import { installAdmission } from './admission.ts'
import { type Api, createApi } from './api.ts'
import { type Beacon, startBeacon } from './beacon.ts'
import { type ClusterEnvironment, clusterEnvironment } from './environment.ts'
import { grant } from './grants.ts'
import { type Images, loadImages } from './images.ts'
import type { Targets } from './pods/probe.ts'
import { DATAGRAMS, readAlong, type Sightings } from './sightings.ts'
import { ORCHESTRATOR, STORAGE, STORAGE_POD, startSurroundings } from './surroundings.ts'

/** Seconds between two sweeps. */
const INTERVAL = 1

export interface World {
  readonly api: Api
  readonly images: Images
  readonly sandbox: Sandbox
  /** Kubeconfig of a function's user. */
  readonly kubeconfigOf: (route: Route) => string | undefined
  readonly beacon: Beacon
  readonly sightings: Sightings
  /** Calls the node's API with a user's token. @throws unless the status is 200 */
  call<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<T>
  createBody(id: string, image: string): object
  /** Whether Keycloak has a client with this id. */
  hasClient(id: string): Promise<boolean>
  stop(): Promise<void>
}

/** Prints the duration of a step. */
export async function timed<T>(step: string, act: () => Promise<T>): Promise<T> {
  const from = performance.now()
  const result = await act()
  console.log(`${((performance.now() - from) / 1000).toFixed(2).padStart(7)} s  ${step}`)
  return result
}

/** The name server of pods. */
export async function findResolver(api: Api): Promise<string> {
  const [service] = await api.list('Service', 'k8s-app=kube-dns', 'kube-system')
  const { clusterIP } = (service?.['spec'] ?? {}) as { clusterIP?: string }
  if (!clusterIP) throw new Error('No Service k8s-app=kube-dns in kube-system: set TEST_CLUSTER_RESOLVER')
  return clusterIP
}

/** The API server's own address, without its Service. */
async function apiServer(api: Api): Promise<{ host: string; port: number }> {
  const path =
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=kubernetes'
  type Slice = { readonly ports: { port: number }[]; readonly endpoints: { addresses: string[] }[] }
  const [slice] = (await api.json<{ items: Slice[] }>('GET', path))?.items ?? []
  return { host: slice?.endpoints[0]?.addresses[0] ?? '', port: slice?.ports[0]?.port ?? 0 }
}

export async function targetsOf(api: Api, { hostName }: ClusterEnvironment, beacon: Beacon, ids: readonly string[]) {
  const others = ids.flatMap((id): [string, Targets[string]][] => [
    [`analysis ${id}`, { host: `analysis-${id}-1`, port: 80 }],
    [`proxy of ${id}`, { host: `nginx-analysis-${id}-1`, port: 80 }],
  ])
  return {
    'API server': await apiServer(api),
    'API server by its Service': { host: 'kubernetes.default', port: 443 },
    'storage service': { host: STORAGE.name, port: STORAGE.port },
    'pod of the storage service': { host: STORAGE_POD, port: 8080 },
    orchestrator: { host: ORCHESTRATOR.name, port: ORCHESTRATOR.port },
    'this machine': { host: hostName, port: beacon.port },
    [DATAGRAMS]: { host: hostName, port: beacon.port, protocol: 'udp' },
    ...Object.fromEntries(others),
  } satisfies Targets
}

type Stop = () => Promise<unknown>

type Settings = Readonly<Record<string, string>>

/** @param more settings beside the usual ones, which may depend on the environment */
export async function startWorld(
  ids: readonly string[],
  more: (environment: ClusterEnvironment, beacon: Beacon) => Promise<Settings> = async () => ({}),
): Promise<World> {
  const stops: Stop[] = []
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each().catch((error: unknown) => console.error(error))
  }
  try {
    return { ...(await start(ids, stops, more)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(
  ids: readonly string[],
  stops: Stop[],
  more: NonNullable<Parameters<typeof startWorld>[1]>,
): Promise<Omit<World, 'stop'>> {
  const environment = clusterEnvironment()
  const api = createApi(environment.kubeconfig, `po-life-${randomBytes(4).toString('hex')}`)
  stops.push(api.close)
  stops.push(api.removeNamespace)
  await api.makeNamespace({ 'pod-security.kubernetes.io/enforce': 'baseline' })
  const beacon = await startBeacon(environment.hostAddress)
  stops.push(beacon.stop)
  const images = await timed('images made and loaded', async () =>
    loadImages(environment, await targetsOf(api, environment, beacon, ids)),
  )
  const folder = await mkdtemp(join(tmpdir(), 'po-life-'))
  stops.push(() => rm(folder, { recursive: true }))
  await installAdmission(environment.kubeconfig)
  const kubeconfigOf = await grant(api, environment.kubeconfig, folder)
  const settings = {
    ...(await runSettings(environment, api, images)),
    ...environment.keycloak,
    ...(await more(environment, beacon)),
  }
  const sandbox = await timed('database and functions started', () =>
    startSandbox({
      folder,
      kubeconfig: environment.kubeconfig,
      host: environment.hostAddress,
      intervalSeconds: INTERVAL,
      env: settings,
      envOf: (route) => ({ KUBECONFIG: kubeconfigOf(route) ?? '' }),
      onLine: (name, line) => {
        if (process.env['TEST_VERBOSE']) console.log(name, line)
      },
    }),
  )
  stops.push(sandbox.stop)
  const relay = { host: environment.hostName, port: sandbox.gateway.port }
  await timed('peers and relay ready', () => startSurroundings(api, images.node, relay))
  const sightings = readAlong(api, images.probe, beacon.datagrams)
  stops.push(sightings.stop)
  return { api, images, sandbox, kubeconfigOf, beacon, sightings, ...callers(sandbox) }
}

const runSettings = async ({ resolver, domain }: ClusterEnvironment, api: Api, images: Images) => ({
  NAMESPACE: api.namespace,
  NGINX_IMAGE: images.nginx,
  SIDECAR_REACH: 'api',
  CLUSTER_RESOLVER: resolver ?? (await findResolver(api)),
  CLUSTER_DOMAIN: domain,
  ANALYSIS_CPU_REQUEST: '10m',
  ANALYSIS_PULL_POLICY: 'IfNotPresent',
  ANALYSIS_MEMORY_REQUEST: '64Mi',
})

/** The body of a create for a loaded image. */
export const createBody = (id: string, image: string) => ({
  analysis_id: id,
  project_id: randomUUID(),
  registry_url: 'registry.invalid',
  image_url: image,
  registry_user: 'robot',
  registry_password: 'not used: the image is on the node',
  kong_token: KONG_TOKEN,
})

function callers({ gateway, env }: Sandbox) {
  const realm = `${env['KEYCLOAK_URL']}/realms/${env['KEYCLOAK_REALM']}`
  /** A token of the realm that is not an analysis's: that of the client that manages clients. */
  const token = async (): Promise<string> => {
    const form = {
      grant_type: 'client_credentials',
      client_id: env['RESULT_CLIENT_ID'] ?? '',
      client_secret: env['RESULT_CLIENT_SECRET'] ?? '',
    }
    const answer = await fetch(`${realm}/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    })
    return ((await answer.json()) as { access_token: string }).access_token
  }
  const ask = async <T>(method: string, url: string, body?: object): Promise<T> => {
    const headers = { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' }
    const answer = await fetch(url, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`${method} ${url}: ${answer.status} ${text}`)
    return JSON.parse(text) as T
  }
  return {
    call: <T>(method: string, path: string, body?: object) => ask<T>(method, `${gateway.url}${path}`, body),
    createBody,
    async hasClient(id: string) {
      const clients = `${env['KEYCLOAK_URL']}/admin/realms/${env['KEYCLOAK_REALM']}/clients?clientId=${id}`
      return (await ask<unknown[]>('GET', clients)).length > 0
    },
  }
}
