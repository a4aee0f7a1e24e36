/**
 * A node for measurements: the real PostgreSQL, the caller's Kubernetes API, the sandbox's Keycloak and Hub, and functions as
 * in production: bundled, one process each, with default settings. Knative would add processes above a revision's concurrency,
 * which no row exceeds.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundleFunction, copyFiles } from '../../knative/image/bundle.ts'
import { memoryEnvironment, nodeOptions } from '../../knative/image/process.ts'
import { createDtStore } from '../../shared/adapters/postgres/dt/index.ts'
import { connect, createPoStore } from '../../shared/adapters/postgres/po/index.ts'
import type { Route } from '../../shared/routes/index.ts'
import { type Functions, startFunctions } from '../sandbox/functions.ts'
import { startHub } from '../sandbox/hub.ts'
import { startKeycloak } from '../sandbox/keycloak.ts'
import { databaseSettings } from '../sandbox/postgres.ts'
import { serviceEnvironment } from '../sandbox/settings.ts'
import { startStandIn } from '../sandbox/stand-in.ts'
import { startTestDatabases } from '../sandbox/test-databases.ts'
import type { StartCluster } from './clusters.ts'
import { type Client, createClient } from './load.ts'

export interface NodeOptions {
  readonly routes: readonly Route[]
  /** Processes of each function; default 1. With 0, rows start those that they need. */
  readonly processes?: number
  /** Undefined for functions that do not use Kubernetes. */
  readonly cluster?: StartCluster
  /** Settings that override the node's. */
  readonly env?: Readonly<Record<string, string>>
}

/** Started parts, which are stopped in reverse order. */
function createStops() {
  const stops: (() => unknown)[] = []
  return {
    add(stop: () => unknown) {
      stops.push(stop)
    },
    async all() {
      for (const stop of stops.splice(0).reverse()) await stop()
    },
  }
}

async function bundled(routes: readonly Route[], folder: string): Promise<string> {
  const dist = pathToFileURL(`${join(folder, 'dist')}/`)
  await Promise.all(routes.map((route) => bundleFunction(route, dist)))
  await copyFiles(dist)
  return fileURLToPath(dist)
}

const settings = (...parts: Parameters<typeof serviceEnvironment>) => ({
  ...serviceEnvironment(...parts),
  NGINX_IMAGE: 'sandbox/nginx:1',
  SIDECAR_REACH: 'api',
  CLUSTER_RESOLVER: '127.0.0.1',
})

const words = (values: object): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))

type Stops = ReturnType<typeof createStops>

/** Prints log lines that explain a missed row, but not the addresses in a stack of V8. */
const showErrors = (_: Route, line: string): void => {
  if (/^\{"level":"(ERROR|FATAL)"/.test(line) || !/^(\{|\s*\d+: 0x|\[\d+:0x|<---|-----|\s*$)/.test(line))
    console.error(line)
}

async function startParts({ routes, processes = 1, cluster, env }: NodeOptions, stops: Stops) {
  const folder = await mkdtemp(join(tmpdir(), 'bench-node-'))
  stops.add(() => rm(folder, { recursive: true, force: true }))
  const dist = await bundled(routes, folder)
  const databases = await startTestDatabases()
  stops.add(() => databases.stop())
  const keycloak = await startKeycloak()
  stops.add(() => keycloak.stop())
  const hub = await startHub({ autoRegister: true })
  stops.add(() => hub.stop())
  const peers = await startStandIn({ handle: () => ({ status: 204 }) })
  stops.add(() => peers.stop())
  const kubernetes = await cluster?.({ folder, peerPort: Number(new URL(peers.url).port) })
  stops.add(() => kubernetes?.stop())
  const database = databaseSettings(await databases.create())
  const pool = connect({ ...database, POSTGRES_MAX: 8 })
  stops.add(() => pool.end())
  const options = {
    routes,
    env: {
      ...words(database),
      ...settings(keycloak, hub),
      ...kubernetes?.env,
      ...env,
    },
    envOf: (route: Route) => ({
      ...memoryEnvironment(route),
      NODE_OPTIONS: env?.['NODE_OPTIONS'] ?? nodeOptions(route),
    }),
    program: ({ name }: Route) => join(dist, `${name}.mjs`),
    onLine: showErrors,
  }
  const copies: Functions[] = []
  stops.add(() => Promise.all(copies.map((functions) => functions.stop())))
  while (copies.length < processes) copies.push(await startFunctions(options))
  /** Starts another process of a route, with its own settings first. It stops with the node at the latest. */
  const start = async (route: Route, own: Readonly<Record<string, string>> = {}) => {
    const functions = await startFunctions({
      ...options,
      routes: [route],
      envOf: (of) => ({ ...options.envOf(of), ...own }),
    })
    copies.push(functions)
    const running = functions.running.get(route.name)
    if (!running) throw new Error(`${route.name} does not run`)
    return { ...running, stop: functions.stop }
  }
  const runningOf = ({ name }: Route) => copies.flatMap(({ running }) => running.get(name) ?? [])

  const clients = new Map<string, Client>()
  stops.add(() => {
    for (const client of clients.values()) client.close()
  })
  return {
    keycloak,
    hub,
    /** For files of its parts; deleted with the node. */
    folder,
    /** Inserts analyses without HTTP. */
    store: createPoStore(pool),
    /** Inserts services without HTTP. */
    dt: createDtStore(pool),
    /** For rows that no port can write. */
    database: pool,
    login: database,
    start,
    runningOf,
    /** Sends to the first process of the route. */
    client(route: Route): Client {
      const known = clients.get(route.name) ?? createClient(runningOf(route)[0]?.url ?? '')
      clients.set(route.name, known)
      return known
    },
    /** Headers of a JSON request with a token of this client, valid for an hour. */
    async headers(azp: string): Promise<Record<string, string>> {
      const claims = { azp, sub: azp, typ: 'Bearer', exp: Math.floor(Date.now() / 1000) + 3600 }
      const token = await keycloak.mint(claims)
      return { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    },
  }
}

export async function startNode(options: NodeOptions) {
  const stops = createStops()
  try {
    return { ...(await startParts(options, stops)), [Symbol.asyncDispose]: stops.all }
  } catch (error) {
    await stops.all()
    throw error
  }
}

export type BenchNode = Awaited<ReturnType<typeof startNode>>
