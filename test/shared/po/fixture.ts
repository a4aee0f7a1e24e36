/**
 * The ports of the use cases over real parts: PostgreSQL, the sandbox's Kubernetes API, Keycloak and Hub behind the
 * product's own adapters; only the clock can be moved, and any call can be made to fail.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHub } from '../../../shared/adapters/hub/index.ts'
import { createIdentity } from '../../../shared/adapters/keycloak/index.ts'
import { createPoCluster } from '../../../shared/adapters/kubernetes/po/index.ts'
import { connect, createPoStore } from '../../../shared/adapters/postgres/po/index.ts'
import type { Db } from '../../../shared/adapters/postgres/rows.ts'
import { Fault } from '../../../shared/platform/fault.ts'
import { createSend, type Send } from '../../../shared/platform/http-client.ts'
import type { OutgoingEvent } from '../../../shared/platform/ports.ts'
import type { CreateRequest } from '../../../shared/po/create.ts'
import { type AnalysisId, type PartnerStatuses, parseAnalysisId } from '../../../shared/po/model.ts'
import { LABEL, runName } from '../../../shared/po/names.ts'
import type { SdkStatus } from '../../../shared/po/ports/analysis-api.ts'
import { OWNED_KINDS } from '../../../shared/po/ports/cluster.ts'
import type { PoPorts } from '../../../shared/po/ports.ts'
import type { PoSettings } from '../../../shared/po/settings.ts'
import { startHub } from '../../sandbox/hub.ts'
import { startKeycloak } from '../../sandbox/keycloak.ts'
import { type Kubernetes, type KubernetesOptions, startKubernetes } from '../../sandbox/kubernetes/index.ts'
import { databaseSettings } from '../../sandbox/postgres.ts'
import { databaseEnvironment, serviceEnvironment } from '../../sandbox/settings.ts'
import { startTestDatabases } from '../../sandbox/test-databases.ts'
import { type CallName, type Doomed, doomed, type Gate, gated, type Last } from './intercept.ts'

export type { CallName } from './intercept.ts'

export const SETTINGS: PoSettings = {
  run: {
    namespace: 'default',
    clusterDomain: 'cluster.local',
    resolver: '10.96.0.10',
    dnsPeers: [{ to: { namespace: 'kube-system', label: ['k8s-app', 'kube-dns'] }, port: 53 }],
    nginxImage: 'sandbox/nginx:1',
    isolation: null,
    netStatsImage: null,
    podSecurity: 'baseline',
    cpuRequest: '100m',
    cpuLimit: '',
    memoryRequest: '64Mi',
    memoryLimit: '1Gi',
    diskLimit: '1Gi',
    pullPolicy: 'auto',
    priorityClass: '',
    node: 'node-a',
  },
  registry: { url: 'harbor.example', user: 'robot', password: 'default-password' },
  hubLogging: true,
  intervalSeconds: 10,
  restartMax: 10,
  budgets: { startupSeconds: 60, silenceSeconds: 60, pullSeconds: 300, partnerSeconds: 86_400 },
  canarySeconds: 3600,
  fanout: false,
  hubBacklogLines: 500,
  zombieGraceSeconds: 300,
  archive: { maxAgeDays: 0, maxMiB: 0 },
  logs: {
    lineBytes: 65_536,
    lines: { runLines: 20_000, runBytes: 2 ** 24, analysisLines: 100_000, analysisBytes: 2 ** 26 },
    containerBytes: 10 * 2 ** 20,
    containersBytes: 2 ** 26,
  },
}

const PEERS = [
  ['node-message-broker', { component: 'flame-message-broker' }, 80],
  ['node-storage-service', { component: 'flame-storage-service' }, 8080],
  ['hub-adapter-service', { component: 'flame-hub-adapter' }, 5000],
  ['kong-proxy', { 'app.kubernetes.io/name': 'kong' }, 80],
  ['po-service', { component: 'flame-po' }, 8000],
] as const

export interface FaultPlan {
  /** Which call, counted from 0 since the plan was made. */
  readonly at: number
  /** Before: it had no effect. After: it had, but its answer was lost. */
  readonly when: 'before' | 'after'
}

export interface Fixture {
  readonly ports: PoPorts
  readonly keycloak: Awaited<ReturnType<typeof startKeycloak>>
  readonly hub: Awaited<ReturnType<typeof startHub>>
  readonly kubernetes: Awaited<ReturnType<typeof startKubernetes>>
  /** Events that were logged. */
  readonly logged: { level: string; event: string; fields: Readonly<Record<string, unknown>> }[]
  /** What analyses answer to polls, by id or, before that, by name of a run; undefined: nothing. */
  readonly answers: Map<string, SdkStatus>
  /** Seconds an analysis says its token still lasts; else an hour. */
  readonly tokensLast: Map<AnalysisId, number>
  /** What analyses were told: fresh tokens, and how their partners are. */
  readonly heard: { id: AnalysisId; token?: string; partners?: PartnerStatuses }[]
  /** What the event sink took, if there is one. */
  readonly emitted: OutgoingEvent[]
  /** Ports that count their calls and break one of them. */
  breaking<P extends PoPorts = PoPorts>(plan: FaultPlan | undefined, ports?: P): { ports: P; calls: CallName[] }
  /** A process of its own over `ports` (default: the fixture's) that dies after its last call. */
  dying<P extends PoPorts = PoPorts>(last: Last, ports?: P): Doomed<P>
  /** Moves the clock. */
  advance(seconds: number): void
  /** All that is in the database, as JSON. */
  dump(): Promise<string>
  /** Every lease and back-off has ended, as if time had passed: for processes that have clocks of their own. */
  lapse(): Promise<void>
  /** The settings by which a function finds all this; `server` stands for the Kubernetes API if given. */
  environment(server?: string): Promise<Record<string, string>>
  /** Names of everything an analysis owns in Kubernetes, and whether its client exists. */
  owned(id: AnalysisId): Promise<{ objects: string[]; client: boolean }>
  /** A Secret that is there. */
  secret(name: string): Promise<SeenSecret>
  stop(): Promise<void>
}

export const request = (changes: Partial<CreateRequest> = {}): CreateRequest => {
  const spelling = changes.spelling ?? randomUUID()
  return {
    id: parseAnalysisId(spelling) ?? ('' as AnalysisId),
    spelling,
    projectId: '6f0d1f5e-8a1b-4f0e-9a57-2f3e5a7d9c11',
    registryUrl: 'https://harbor.example/flame',
    registryUser: 'robot$node',
    registryPassword: 'pässwörd "quoted"',
    image: 'harbor.example/flame/mean:1',
    kongToken: 'kong-secret-token',
    restartCounter: 0,
    progress: 0,
    requestedBy: null,
    ...changes,
  }
}

export interface FixtureOptions {
  /** There is somebody to tell changes to. */
  readonly withSink?: boolean
  /** Of the Kubernetes API; without it no pods run. */
  readonly kubernetes?: KubernetesOptions
}

/** A Secret as an administrator sees it. */
export interface SeenSecret {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly data: Readonly<Record<string, string>>
}

/** The port shows no Secrets. */
async function readSecrets<T>({ url, token, namespace }: Kubernetes, rest: string): Promise<T> {
  const path = `/api/v1/namespaces/${namespace}/secrets${rest}`
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
  return (await answer.json()) as T
}

async function secretsOf(kubernetes: Kubernetes, id: AnalysisId): Promise<string[]> {
  const query = new URLSearchParams({ labelSelector: `${LABEL.analysis}=${id}` })
  const { items } = await readSecrets<{ items: SeenSecret[] }>(kubernetes, `?${query}`)
  return items.map(({ metadata }) => `Secret ${metadata.name}`)
}

export async function startFixture(
  settings: Partial<PoSettings> = {},
  { withSink = false, kubernetes: pods = { startPods: false } }: FixtureOptions = {},
): Promise<Fixture> {
  const [databases, keycloak, hub, kubernetes, folder] = await Promise.all([
    startTestDatabases(),
    startKeycloak(),
    startHub({ autoRegister: true, partners: 0 }),
    startKubernetes(pods),
    mkdtemp(join(tmpdir(), 'po-fixture-')),
  ])
  for (const [name, labels, port] of PEERS) {
    kubernetes.addService({ name, labels, port, host: '127.0.0.1', hostPort: 9 })
  }
  const login = await databases.create()
  const sql = connect({ ...databaseSettings(login), POSTGRES_MAX: 8 })
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubernetes.kubeconfig())
  const cluster = createPoCluster({ env: { KUBECONFIG: kubeconfig } })
  const logged: Fixture['logged'] = []
  const answers: Fixture['answers'] = new Map()
  const tokensLast: Fixture['tokensLast'] = new Map()
  const heard: Fixture['heard'] = []
  const emitted: OutgoingEvent[] = []
  let offsetMs = 0
  const now = () => new Date(Date.now() + offsetMs)

  const identityOver = (send: Send) =>
    createIdentity({
      url: keycloak.url,
      realm: keycloak.realm,
      clientId: 'service1',
      clientSecret: keycloak.secretOf('service1'),
      send,
    })
  const ports: PoPorts = {
    store: createPoStore(sql, { now }),
    cluster,
    identity: identityOver(createSend()),
    hub: createHub({
      coreUrl: hub.coreUrl,
      authUrl: hub.authUrl,
      clientId: hub.clientId,
      clientSecret: hub.clientSecret,
    }),
    analysisApi: {
      healthz: async (id, run) => {
        const status = answers.get(runName(id, run)) ?? answers.get(id)
        if (!status) throw new Fault('unavailable', 'no answer')
        return { status, tokenRemaining: tokensLast.get(id) ?? 3600 }
      },
      refreshToken: async (id, _run, token) => void heard.push({ id, token }),
      sendPartnerStatuses: async (id, _run, partners) => void heard.push({ id, partners }),
    },
    broker: { unsubscribe: async () => {} },
    sink: withSink ? { emit: async (event) => void emitted.push(event) } : null,
    sign: async () => null,
    makeRecord: async (facts) => ({ payloadType: 'facts', payload: JSON.stringify(facts), signatures: [] }),
    log: (level, event, fields = {}) => logged.push({ level, event, fields }),
    now,
    random: () => 0,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    settings: { ...SETTINGS, ...settings, run: { ...(settings.run ?? SETTINGS.run), namespace: cluster.namespace } },
  }

  return {
    ports,
    keycloak,
    hub,
    kubernetes,
    logged,
    answers,
    tokensLast,
    heard,
    emitted,
    breaking: <P extends PoPorts>(plan: FaultPlan | undefined, over = ports as P) => breakOne(over, identityOver, plan),
    dying: <P extends PoPorts>(last: Last, over = ports as P) => doomed(over, identityOver, last),
    advance: (seconds) => {
      offsetMs += seconds * 1000
    },
    dump: () => sql.query(dump),
    lapse: () => sql.transaction(lapse),
    async environment(server = kubernetes.url) {
      const file = join(folder, `kubeconfig-${randomUUID()}`)
      await writeFile(file, kubernetes.kubeconfig().replaceAll(kubernetes.url, server))
      return { ...databaseEnvironment(login), ...serviceEnvironment(keycloak, hub), KUBECONFIG: file }
    },
    async owned(id) {
      const lists = await Promise.all(OWNED_KINDS.map((kind) => cluster.list(kind, { [LABEL.analysis]: id })))
      const secrets = await secretsOf(kubernetes, id)
      return {
        objects: [...lists.flat().map(({ kind, name }) => `${kind} ${name}`), ...secrets],
        client: keycloak.clients().some(({ clientId }) => clientId === id),
      }
    },
    secret: (name) => readSecrets(kubernetes, `/${name}`),
    async stop() {
      await cluster.close()
      await sql.end()
      await Promise.all([
        databases.stop(),
        keycloak.stop(),
        hub.stop(),
        kubernetes.stop(),
        rm(folder, { recursive: true }),
      ])
    },
  }
}

async function dump(sql: Db): Promise<string> {
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'po'`
  const rows = await Promise.all(
    tables.map(
      ({ name }) => sql<{ text: string | null }[]>`select json_agg(row)::text as text from po.${sql(name)} row`,
    ),
  )
  return rows.flatMap((found) => found.map(({ text }) => text ?? '')).join('\n')
}

async function lapse(sql: Db): Promise<void> {
  const past = (column: string, now: Date) => sql`${sql(column)} = least(${sql(column)}, ${now})`
  const now = new Date()
  for (const table of ['analysis', 'report', 'change', 'removal']) {
    await sql`update po.${sql(table)} set ${past('claimed_until', now)}, ${past('due_at', now)}`
  }
  for (const column of ['hold_until', 'making_until', 'client_held_until']) {
    await sql`update po.removal set ${past(column, now)}`
  }
  await sql`update po.loop set taken_slot = null`
}

/** Wraps the ports so that call number `plan.at` fails. */
function breakOne<P extends PoPorts>(
  ports: P,
  identityOver: (send: Send) => PoPorts['identity'],
  plan: FaultPlan | undefined,
) {
  const calls: CallName[] = []
  const gate: Gate = async (name, act) => {
    const index = calls.push(name) - 1
    if (index === plan?.at && plan.when === 'before') throw new Fault('unavailable', `planned: ${name}`)
    const result = await act()
    if (index === plan?.at) throw new Fault('unavailable', `planned, answer lost: ${name}`)
    return result
  }
  return { ports: gated(ports, identityOver, gate), calls }
}
