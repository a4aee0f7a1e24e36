/**
 * The services that functions need during a measurement: the real PostgreSQL, and the sandbox's Keycloak, Kubernetes API
 * (without pods) and Hub; and a request with status 200 for every function.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Route } from '../../shared/routes/index.ts'
import { startHub } from '../sandbox/hub.ts'
import { startKeycloak } from '../sandbox/keycloak.ts'
import { startKubernetes } from '../sandbox/kubernetes/index.ts'
import { databaseEnvironment, serviceEnvironment } from '../sandbox/settings.ts'
import { startStandIn } from '../sandbox/stand-in.ts'
import { startTestDatabases } from '../sandbox/test-databases.ts'
import { PEER_SERVICES } from './peer-services.ts'
import { tick } from './tick.ts'

const ONE_BY_ONE = ['po-stop', 'po-delete']

async function userToken(url: string, realm: string, secret: string): Promise<string> {
  const response = await fetch(`${url}/realms/${realm}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'hub-adapter', client_secret: secret }),
  })
  return ((await response.json()) as { access_token: string }).access_token
}

function bodyOf({ name }: Route): object | undefined {
  const id = randomUUID()
  if (name === 'po-stream-logs')
    return { log: 'a line', log_type: 'info', analysis_id: id, status: 'executing', progress: 1 }
  if (name !== 'po-create') return undefined
  const registry = { registry_url: 'registry.local', registry_user: 'robot', registry_password: 'x' }
  const image_url = 'registry.local/project/image:1'
  return { analysis_id: id, project_id: randomUUID(), image_url, kong_token: 'none_needed', ...registry }
}

export async function startWorld() {
  const [databases, keycloak, hub, kubernetes, broker, folder] = await Promise.all([
    startTestDatabases(),
    startKeycloak(),
    startHub({ autoRegister: true }),
    startKubernetes({ startPods: false }),
    startStandIn({ handle: () => ({ status: 204 }) }),
    mkdtemp(join(tmpdir(), 'bench-')),
  ])
  // Only the broker is called, to delete the subscriptions of an analysis.
  const hostPort = Number(new URL(broker.url).port)
  for (const service of PEER_SERVICES) kubernetes.addService({ ...service, host: '127.0.0.1', hostPort })
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubernetes.kubeconfig())
  const database = databaseEnvironment(await databases.create())
  const token = await userToken(keycloak.url, keycloak.realm, keycloak.secretOf('hub-adapter'))

  const env: Record<string, string> = {
    ...database,
    ...serviceEnvironment(keycloak, hub),
    KUBECONFIG: kubeconfig,
    SIDECAR_REACH: 'api',
    STATUS_LOOP_INTERVAL: '3600', // health must not depend on a loop, since none runs
    CLUSTER_RESOLVER: '127.0.0.1',
  }

  return {
    env,
    /** A request with status 200, or an event with 204. */
    ask(route: Route) {
      if (route.trigger === 'event') return tick()
      // Removals target one analysis and an unknown one, so that the others keep running.
      const endpoint = route.endpoints.at(ONE_BY_ONE.includes(route.name) ? 1 : 0)
      const body = bodyOf(route)
      return {
        method: endpoint?.method ?? 'GET',
        path: (endpoint?.path ?? '/').replace('{cleanup_type}', 'zombies').replace('{analysis_id}', randomUUID()),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([keycloak.stop(), hub.stop(), kubernetes.stop(), broker.stop(), databases.stop()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export type World = Awaited<ReturnType<typeof startWorld>>
