/**
 * The digital-twin orchestrator on a real cluster: services in a namespace of its own, functions on this machine, each as a
 * user with the permissions of its route. `stop` always removes the namespace and all processes.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { migrate } from '../../shared/adapters/postgres/migrate.ts'
import { connect } from '../../shared/adapters/postgres/po/index.ts'
import { dtRoutes } from '../../shared/routes/index.ts'
import { type Dt, startDt } from '../sandbox/dt.ts'
import { type Gateway, startGateway } from '../sandbox/gateway.ts'
import { databaseSettings, type PostgresServer, startPostgres } from '../sandbox/postgres.ts'
import { databaseEnvironment } from '../sandbox/settings.ts'
import { installAdmission } from './admission.ts'
import { type Api, createApi, eventually } from './api.ts'
import { type ClusterEnvironment, clusterEnvironment } from './environment.ts'
import { grant } from './grants.ts'
import { loadFunctionImage, loadPrograms } from './images.ts'
import { timed } from './world.ts'

const KEEP_TRYING_S = 300
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const DEFINITION = new URL('../../knative/config/crd/analytics.yaml', import.meta.url)

export interface DtWorld {
  readonly api: Api
  readonly environment: ClusterEnvironment
  readonly postgres: PostgresServer
  readonly dt: Dt
  readonly gateway: Gateway
  readonly images: Readonly<Record<keyof typeof DT_PROGRAMS, string>>
  /** A call of the API. */
  call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: object | FormData,
  ): Promise<{ status: number; body: never }>
  stop(): Promise<void>
}

/** Applies the kind, which is cluster-scoped and is not removed. */
export async function defineKind(api: Api): Promise<void> {
  const definition = parse(await readFile(DEFINITION, 'utf8')) as { metadata: { name: string } }
  const path = `${DEFINITIONS}/${definition.metadata.name}`
  if (await api.json('GET', path)) await api.json('PATCH', path, definition)
  else await api.json('POST', DEFINITIONS, definition)
  await eventually('the kind Analytics', () => api.json('GET', `/apis/eng.cam.ac.uk/v1alpha1/analytics?limit=1`))
}

export const DT_PROGRAMS = {
  worker: { entry: 'test/cluster/pods/dt-worker.ts' },
  laboratory: { entry: 'test/sandbox/images/laboratory.ts' },
  /** The name in the sample. */
  sample: {
    entry: 'test/sandbox/images/laboratory.ts',
    image: 'ghcr.io/cam-digital-hospitals/digital-hosp-des:latest',
  },
  server: { entry: 'test/cluster/pods/dt-server.ts' },
}

type Stop = () => Promise<unknown>

export async function startDtWorld(): Promise<DtWorld> {
  const stops: Stop[] = []
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each().catch((error: unknown) => console.error(error))
  }
  try {
    return { ...(await start(stops)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(stops: Stop[]): Promise<Omit<DtWorld, 'stop'>> {
  const environment = clusterEnvironment()
  const api = createApi(environment.kubeconfig, `dt-life-${randomBytes(4).toString('hex')}`)
  stops.push(api.close)
  stops.push(api.removeNamespace)
  await api.makeNamespace({ 'pod-security.kubernetes.io/enforce': 'baseline' })
  await defineKind(api)
  const images = await timed('images made and loaded', () => loadPrograms(environment, DT_PROGRAMS))
  const tools = await timed('image of our programs made and loaded', () => loadFunctionImage(environment))
  const folder = await mkdtemp(join(tmpdir(), 'dt-life-'))
  stops.push(() => rm(folder, { recursive: true }))
  await installAdmission(environment.kubeconfig)
  const kubeconfigOf = await grant(api, environment.kubeconfig, folder, dtRoutes)
  const postgres = await startPostgres({ port: 0, password: randomBytes(12).toString('hex') })
  stops.push(postgres.stop)
  const sql = connect(databaseSettings(postgres))
  await migrate(sql)
  await sql.end()
  const dt = await timed('functions started', () =>
    startDt({
      env: {
        ...databaseEnvironment(postgres),
        NAMESPACE: api.namespace,
        CLUSTER_DOMAIN: environment.domain,
        DT_AUTH: 'none',
        DT_TOOLS_IMAGE: tools,
        // Images are loaded onto the node; no registry has them.
        DT_PULL_POLICY: 'IfNotPresent',
        DT_CPU_REQUEST: '10m',
        DT_MEMORY_REQUEST: '32Mi',
        DT_OUTPUT_GRACE: String(KEEP_TRYING_S),
      },
      intervalSeconds: 1,
      ticking: true,
      runsGateway: { host: environment.hostAddress, name: environment.hostName },
      envOf: (route) => ({ KUBECONFIG: kubeconfigOf(route) ?? '' }),
      onLine: (name, line) => {
        if (process.env['TEST_VERBOSE']) console.log(name, line)
      },
    }),
  )
  stops.push(dt.stop)
  const gateway = await startGateway({ port: 0, routes: dtRoutes, upstreams: dt.functions.addressOf })
  stops.push(gateway.stop)
  return { api, environment, postgres, dt, gateway, images, call: caller(gateway) }
}

const caller =
  ({ url }: Gateway): DtWorld['call'] =>
  async (method, path, body) => {
    const isForm = body instanceof FormData
    const headers: Record<string, string> = isForm ? {} : { 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }
    const answer = await fetch(`${url}/api/orchestrator/v1alpha1${path}`, { method, headers, ...sent })
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? undefined : JSON.parse(text)) as never }
  }
