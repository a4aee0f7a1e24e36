/**
 * A whole node without a cluster: real PostgreSQL, stand-ins for Kubernetes, Keycloak, Hub and peers, analyses as local
 * processes behind egress proxies, every function as a process behind the gateway, and a ticker.
 *
 * Owns: the wiring of these parts. With `kubeconfig` runs are created on that cluster instead.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pingSchedule } from '../../knative/manifests/ping-source.ts'
import { migrate } from '../../shared/adapters/postgres/migrate.ts'
import { connect } from '../../shared/adapters/postgres/po/index.ts'
import { RECONCILE_TYPE } from '../../shared/po/events.ts'
import { poRoutes, type Route, routes } from '../../shared/routes/index.ts'
import { type EventBroker, startEventBroker } from './broker/index.ts'
import { type Dt, defineAnalytics, dtImages, startDt } from './dt.ts'
import { type Functions, startFunctions } from './functions.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { type HubSandbox, startHub } from './hub.ts'
import { type Keycloak, startKeycloak } from './keycloak.ts'
import { type Kubernetes, startKubernetes } from './kubernetes/index.ts'
import { type Peers, startPeers } from './peers.ts'
import { databaseSettings, type PostgresServer, startPostgres } from './postgres.ts'
import { NGINX_IMAGE, runImages } from './run-images.ts'
import { createServicePorts, type ServicePorts } from './service-ports.ts'
import { databaseEnvironment, serviceEnvironment, sinkEnvironment } from './settings.ts'
import { startTicker, type Ticker, type TickFaults } from './ticker.ts'

export interface SandboxPorts {
  /** Of the gateway: the node's API. */
  readonly gateway?: number
  readonly hub?: number
  readonly keycloak?: number
  readonly kubernetes?: number
  readonly postgres?: number
}

export interface SandboxOptions {
  /** Folder for the KUBECONFIG; made if it is not there. */
  readonly folder: string
  readonly ports?: SandboxPorts
  /** Folder of PostgreSQL's programs; default: those of the npm package. */
  readonly postgresBinaries?: string
  /** Where the gateway listens: loopback, or an address that pods of a cluster reach. */
  readonly host?: string
  /** Seconds between two sweeps. */
  readonly intervalSeconds?: number
  /** Use this cluster instead of the sandbox's Kubernetes API. */
  readonly kubeconfig?: string
  /** Settings that override the sandbox's. */
  readonly env?: Readonly<Record<string, string>>
  /** Settings of one function, which override all others. */
  readonly envOf?: (route: Route) => Readonly<Record<string, string>>
  /** What Node runs for a function; default: its source. */
  readonly program?: (route: Route) => string
  readonly onLine?: (name: string, line: string) => void
  /** False: nothing ticks but what the caller sends. */
  readonly ticking?: boolean
  /** What happens to ticks on their way; default: nothing. */
  readonly tickFaults?: TickFaults
  /** With a broker, which gets every state change. */
  readonly sink?: boolean
  /** With a broker, through which each sweep publishes one event per analysis. */
  readonly fanout?: boolean
  /** Processes of `status-reconcile`; ticks go to the first, the broker's events to all in turn. Default: 1. */
  readonly reconcilers?: number
  /** With the digital-twin orchestrator, on the sandbox's own Kubernetes only. */
  readonly dt?: boolean
  /** Called for every request to the sandbox's Kubernetes API. */
  readonly onKubernetesRequest?: (method: string, path: string) => void
}

export interface Sandbox {
  readonly gateway: Gateway
  readonly hub: HubSandbox
  readonly keycloak: Keycloak
  readonly postgres: PostgresServer
  readonly peers: Peers
  readonly functions: Functions
  readonly ticker: Ticker
  /** Absent without `dt`, and with a cluster of the caller's. */
  readonly dt: Dt | undefined
  /** Absent without `sink` and `fanout`. */
  readonly eventBroker: EventBroker | undefined
  /** The settings the functions run with. */
  readonly env: Readonly<Record<string, string>>
  /** Absent with a cluster of the caller's. */
  readonly kubernetes: Kubernetes | undefined
  readonly kubeconfig: string
  /** A fresh access token of the sandbox's researcher. */
  token(): Promise<string>
  stop(): Promise<void>
}

/** Node and its services by the names that discovery looks for. */
export const PEER_SERVICES = {
  broker: { name: 'node-message-broker', labels: { component: 'flame-message-broker' }, port: 80 },
  storage: { name: 'node-storage-service', labels: { component: 'flame-storage-service' }, port: 8080 },
  adapter: { name: 'hub-adapter-service', labels: { component: 'flame-hub-adapter' }, port: 5000 },
  kong: { name: 'kong-proxy', labels: { 'app.kubernetes.io/name': 'kong' }, port: 80 },
} as const

export const ORCHESTRATOR_SERVICE = { name: 'po-service', labels: { component: 'flame-po' }, port: 8000 } as const
export const RESEARCHER = 'researcher'
const NODE = 'sandbox-node'

/** Started parts; the last started is stopped first. */
function createStops() {
  const stops: (() => Promise<unknown>)[] = []
  return {
    add<T extends { stop(): Promise<unknown> }>(part: T): T {
      stops.push(() => part.stop())
      return part
    },
    async all() {
      for (const stop of stops.splice(0).reverse()) await stop().catch((error: unknown) => console.error(error))
    },
  }
}

async function migrated(postgres: PostgresServer): Promise<PostgresServer> {
  const sql = connect(databaseSettings(postgres))
  await migrate(sql)
  await sql.end()
  return postgres
}

interface Parts {
  readonly postgres: PostgresServer
  readonly keycloak: Keycloak
  readonly hub: HubSandbox
  readonly kubeconfig: string
  readonly intervalSeconds: number
}

const settings = ({ postgres, keycloak, hub, kubeconfig, intervalSeconds }: Parts): Record<string, string> => ({
  ...databaseEnvironment(postgres),
  ...serviceEnvironment(keycloak, hub),
  NODE_NAME: NODE,
  STATUS_LOOP_INTERVAL: String(intervalSeconds),
  SIDECAR_REACH: 'api',
  KUBECONFIG: kubeconfig,
})

function addPeerServices(kubernetes: Kubernetes, peers: Peers, gateway: Gateway): void {
  const host = '127.0.0.1'
  for (const [peer, service] of Object.entries(PEER_SERVICES)) {
    kubernetes.addService({ ...service, host, hostPort: peers.ports[peer as keyof typeof PEER_SERVICES] })
  }
  kubernetes.addService({ ...ORCHESTRATOR_SERVICE, host, hostPort: gateway.port })
}

/** The sandbox's Kubernetes API, whose pods find Services at fixed local ports. */
async function startCluster(options: SandboxOptions, stops: Stops): Promise<Kubernetes> {
  let servicePorts: ServicePorts | undefined
  const portOf = (service: string, servicePort: number) => {
    if (!servicePorts) throw new Error('the sandbox is not up yet')
    return servicePorts.portOf(service, servicePort)
  }
  const peerServices = { ...PEER_SERVICES, orchestrator: ORCHESTRATOR_SERVICE }
  const kubernetes = stops.add(
    await startKubernetes({
      port: options.ports?.kubernetes ?? 0,
      secure: true,
      images: { ...runImages({ portOf, peerServices }), ...dtImages },
      serviceUrl: async (_, service) => `http://127.0.0.1:${await portOf(service, 80)}`,
      ...(options.onKubernetesRequest ? { onRequest: options.onKubernetesRequest } : {}),
    }),
  )
  servicePorts = stops.add(createServicePorts(kubernetes))
  return kubernetes
}

export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const stops = createStops()
  try {
    return { ...(await startParts(options, stops)), stop: stops.all }
  } catch (error) {
    await stops.all()
    throw error
  }
}

type Stops = ReturnType<typeof createStops>

async function startParts(options: SandboxOptions, stops: Stops): Promise<Omit<Sandbox, 'stop'>> {
  const { intervalSeconds = 10, host = '127.0.0.1', ports = {} } = options
  // First, since its port is the one that may be taken; until there are functions it answers 503.
  let [addressOf, dtAddressOf]: Functions['addressOf'][] = [() => undefined, () => undefined]
  const upstreams = (route: Route) => addressOf?.(route) ?? dtAddressOf?.(route)
  const gateway = stops.add(await startGateway({ host, port: ports.gateway ?? 0, upstreams }))
  const services = await startServices(options, stops)
  const { kubernetes, kubeconfig } = await chooseCluster(options, stops)
  const own = kubernetes ? { NGINX_IMAGE } : {}
  const eventBroker = options.sink || options.fanout ? stops.add(await startEventBroker()) : undefined
  const told = sinkEnvironment(eventBroker, options.fanout ?? false)
  const env = { ...settings({ ...services, kubeconfig, intervalSeconds }), ...own, ...told, ...options.env }
  const functions = stops.add(await startAll(options, env))
  addressOf = functions.addressOf
  if (kubernetes) addPeerServices(kubernetes, services.peers, gateway)
  const reconcilers = functions.copiesOf(routes.po.statusReconcile).map(({ url }) => url)
  if (options.fanout) eventBroker?.addTrigger({ filter: { type: RECONCILE_TYPE }, subscribers: reconcilers })
  const dt = kubernetes && options.dt ? stops.add(await startOwnDt(kubernetes, env, options)) : undefined
  dtAddressOf = dt?.functions.addressOf
  const ticker = stops.add(startTicking(options, reconcilers[0] ?? '', intervalSeconds))
  const token = () => accessToken(services.keycloak)
  return { ...services, gateway, functions, ticker, dt, eventBroker, env, kubernetes, kubeconfig, token }
}

async function startOwnDt(kubernetes: Kubernetes, env: Readonly<Record<string, string>>, options: SandboxOptions) {
  await defineAnalytics(kubernetes)
  const { intervalSeconds = 10, ticking = true, program, onLine } = options
  return startDt({ env, intervalSeconds, ticking, program, onLine })
}

/** Ticks as the rendered schedule makes them, which may be more often than there are slots. */
const startTicking = ({ ticking = true, tickFaults }: SandboxOptions, sink: string, intervalSeconds: number): Ticker =>
  startTicker({
    sink,
    namespace: 'flame',
    tickSeconds: ticking ? pingSchedule(intervalSeconds).tickSeconds : null,
    ...(tickFaults ? { faults: tickFaults } : {}),
  })

async function startServices({ ports = {}, postgresBinaries }: SandboxOptions, stops: Stops) {
  const database = {
    port: ports.postgres ?? 0,
    password: randomBytes(12).toString('hex'),
    ...(postgresBinaries ? { binaries: postgresBinaries } : {}),
  }
  const [postgres, keycloak, hub, peers] = await Promise.all([
    startPostgres(database).then(stops.add),
    startKeycloak({ port: ports.keycloak ?? 0 }).then(stops.add),
    startHub({ port: ports.hub ?? 0, autoRegister: true, nodeName: NODE }).then(stops.add),
    startPeers(),
  ])
  stops.add({ stop: () => peers.close() })
  return { postgres: await migrated(postgres), keycloak, hub, peers }
}

async function chooseCluster(options: SandboxOptions, stops: Stops) {
  const { folder, kubeconfig } = options
  if (kubeconfig) return { kubernetes: undefined, kubeconfig }
  const kubernetes = await startCluster(options, stops)
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'kubeconfig')
  await writeFile(file, kubernetes.kubeconfig(), { mode: 0o600 })
  return { kubernetes, kubeconfig: file }
}

function startAll(options: SandboxOptions, env: Readonly<Record<string, string>>) {
  const { program, envOf, onLine = () => {}, reconcilers = 1 } = options
  return startFunctions({
    routes: poRoutes,
    env,
    copies: (route) => (route === routes.po.statusReconcile ? reconcilers : 1),
    onLine: (route, line) => onLine(route.name, line),
    ...(program ? { program } : {}),
    ...(envOf ? { envOf } : {}),
  })
}

async function accessToken(keycloak: Keycloak): Promise<string> {
  const form = {
    grant_type: 'password',
    client_id: 'node-ui',
    username: RESEARCHER,
    password: keycloak.passwordOf(RESEARCHER),
  }
  const url = `${keycloak.issuer}/protocol/openid-connect/token`
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  const { access_token: token } = (await answer.json()) as { access_token: string }
  return token
}
