/**
 * A node on the day of its move: the fixture's parts, with the tables of the Python service in its database and what it
 * deployed in its Kubernetes. Its pods do nothing.
 */
import { randomUUID } from 'node:crypto'
import { connectApi as connectKubernetes } from '../../../../shared/adapters/kubernetes/po/index.ts'
import { createTakeover } from '../../../../shared/adapters/kubernetes/po/takeover.ts'
import { connect, type Database } from '../../../../shared/adapters/postgres/po/index.ts'
import { createPoIntake } from '../../../../shared/adapters/postgres/po/intake.ts'
import { createPredecessor } from '../../../../shared/adapters/postgres/po/predecessor.ts'
import type { AnalysisId } from '../../../../shared/po/model.ts'
import type { AdoptPorts } from '../../../../shared/po/ports/adopt.ts'
import type { PoPodFacts } from '../../../../shared/po/ports/cluster.ts'
import type { PoPorts } from '../../../../shared/po/ports.ts'
import type { PoSettings } from '../../../../shared/po/settings.ts'
import { loadConfig } from '../../../../shared/settings/config.ts'
import { type FormerObject, formerObjects, sharedPullSecret } from '../../../predecessor/objects.ts'
import { createFormerTables, formerRow, insertFormer, SECRETS, type StoredRow } from '../../../predecessor/tables.ts'
import { IDLE } from '../../../sandbox/kubernetes/idle-container.ts'
import type { KubernetesOptions } from '../../../sandbox/kubernetes/index.ts'
import { type Fixture, SETTINGS, startFixture } from '../fixture.ts'

export const FORMER_PROXY_IMAGE = 'nginx:1.29.8'
const IMAGES: NonNullable<KubernetesOptions['images']> = {
  'harbor.example/flame/mean:1': IDLE,
  [FORMER_PROXY_IMAGE]: IDLE,
  [SETTINGS.run.nginxImage]: IDLE,
}

export const GATEWAY_LABELS = { component: 'flame-po', 'app.kubernetes.io/part-of': 'knative-pod-orchestration' }
/** A token of Keycloak that has long expired. */
const OLD_TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJhenAiOiJvbGQifQ.c2lnbmF0dXJl'

export interface DeployOptions {
  readonly row?: Partial<StoredRow>
  /** Kinds and names that somebody removed. */
  readonly without?: (object: FormerObject) => boolean
  /** There is a row and nothing else. */
  readonly bare?: boolean
}

export interface FormerNode extends Fixture {
  readonly ports: PoPorts & AdoptPorts
  readonly database: Database
  /** Any object, as another client of the API makes it. */
  create(object: FormerObject): Promise<void>
  remove(path: string): Promise<void>
  get<T>(path: string): Promise<T>
  /** An analysis as the Python service has it: row, client and objects, its pods running. */
  deploy(run: number, options?: DeployOptions & { readonly id?: AnalysisId }): Promise<AnalysisId>
  podsOf(app: string): Promise<readonly PoPodFacts[]>
  stopAll(): Promise<void>
}

const PATHS: Readonly<Record<string, string>> = {
  Deployment: 'apis/apps/v1/namespaces/flame/deployments',
  NetworkPolicy: 'apis/networking.k8s.io/v1/namespaces/flame/networkpolicies',
  ...Object.fromEntries(
    ['Secret', 'Service', 'ConfigMap', 'Pod'].map((kind) => [kind, `api/v1/namespaces/flame/${kind.toLowerCase()}s`]),
  ),
}

function createApi({ url, token }: Fixture['kubernetes']) {
  return async (method: string, path: string, body?: object): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'user-agent': 'OpenAPI' }
    const answer = await fetch(`${url}/${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${text}`)
    return JSON.parse(text)
  }
}

const placeholder = (id: string, run: number): FormerObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `po-gateway-${run}${id}`, labels: GATEWAY_LABELS },
  spec: { containers: [{ name: 'nginx', image: 'none' }] },
})

export async function startFormerNode(
  settings: Partial<PoSettings> = {},
  kubernetes: KubernetesOptions = {},
): Promise<FormerNode> {
  const pods = { images: IMAGES, maxGraceMs: 300, ...kubernetes }
  const fixture = await startFixture(settings, { withSink: true, kubernetes: pods })
  const env = await fixture.environment()
  const config = loadConfig(['database'], env)
  const database = connect({ ...config, POSTGRES_MAX: 8 })
  await createFormerTables(database)
  const link = connectKubernetes({ env })
  const send = createApi(fixture.kubernetes)
  const create = async (object: FormerObject) => {
    await send('POST', PATHS[object.kind] ?? '', object)
  }
  await create(sharedPullSecret())
  await create(placeholder('', 1))
  const ports: FormerNode['ports'] = {
    ...fixture.ports,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20))),
    predecessor: createPredecessor(database),
    intake: createPoIntake(database, { now: fixture.ports.now }),
    takeover: createTakeover(link),
  }
  const podsOf = (app: string) => ports.cluster.pods({ app })

  return {
    ...fixture,
    ports,
    database,
    create,
    remove: async (path) => void (await send('DELETE', path)),
    get: async <T>(path: string) => (await send('GET', path)) as T,
    podsOf,
    async deploy(run, { id = randomUUID() as AnalysisId, row, without = () => false, bare = false } = {}) {
      const stored = formerRow(id, run, row)
      const name = stored.deployment_name ?? ''
      await insertFormer(database, stored)
      await fixture.ports.identity.issueToken(id)
      if (bare) return id
      const objects = formerObjects({
        name,
        analysisId: id,
        projectId: stored.project_id ?? '',
        image: 'harbor.example/flame/mean:1',
        kongToken: SECRETS.kong,
        keycloakToken: OLD_TOKEN,
        proxyImage: FORMER_PROXY_IMAGE,
        addresses: { analysis: '10.0.0.7', broker: '10.0.0.8', orchestrator: '10.0.0.9' },
      })
      const wanted = objects.filter((object) => !without(object))
      await Promise.all(wanted.map(create))
      const apps = wanted.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name)
      for (const app of apps) while (!(await podsOf(app)).some(({ ready }) => ready)) await ports.sleep(5)
      return id
    },
    async stopAll() {
      await link.close()
      await database.end()
      await fixture.stop()
    },
  }
}
