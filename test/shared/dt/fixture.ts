/**
 * The ports of the use cases over real parts: PostgreSQL and the sandbox's Kubernetes API with the product's own kind
 * installed, behind the product's own adapters. Only the clock can be moved. What runs say of their outputs is written by the
 * tests: `run-output` is not a part of this.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { connectApi as connectKubernetes } from '../../../shared/adapters/kubernetes/connection.ts'
import { createDtCluster } from '../../../shared/adapters/kubernetes/dt/index.ts'
import { connect, createDtStore } from '../../../shared/adapters/postgres/dt/index.ts'
import type { ManifestState, ServiceId, ServiceRunRef, ServiceSpec } from '../../../shared/dt/model.ts'
import type { DtPorts } from '../../../shared/dt/ports.ts'
import type { DtSettings, ServiceSettings } from '../../../shared/dt/settings.ts'
import type { OutgoingEvent } from '../../../shared/platform/ports.ts'
import { runToken } from '../../../shared/platform/service-token.ts'
import type { Image } from '../../sandbox/kubernetes/container.ts'
import { startKubernetes } from '../../sandbox/kubernetes/index.ts'
import { databaseSettings } from '../../sandbox/postgres.ts'
import { databaseEnvironment } from '../../sandbox/settings.ts'
import { startTestDatabases } from '../../sandbox/test-databases.ts'

export const SETTINGS: DtSettings = {
  service: {
    namespace: 'default',
    clusterDomain: 'cluster.local',
    toolsImage: 'sandbox/tools:1',
    runsUrl: 'http://dt-runs.default.svc.cluster.local',
    podSecurity: 'baseline',
    cpuRequest: '10m',
    cpuLimit: '',
    memoryRequest: '16Mi',
    memoryLimit: '1Gi',
    outputLimit: '1Gi',
    outputFiles: 1000,
    graceSeconds: 30,
    parallelism: 3,
    retries: 0,
    ttlSeconds: 3600,
    jobBacklog: 100,
    dnsPeers: [{ to: { namespace: 'kube-system', label: ['k8s-app', 'kube-dns'] }, port: 53 }],
    pullPolicy: 'auto',
    diskLimit: '10Gi',
    priorityClass: '',
    runMaxSeconds: 0,
    historyLimit: 3,
    egress: [],
    mongo: false,
  },
  intervalSeconds: 10,
  startBudgetSeconds: 900,
  maxRuns: 0,
  retentionDays: 0,
  outputsAfterTerminate: 'delete',
}

const script =
  (source: string): Image =>
  () => ({ command: process.execPath, args: ['-e', source] })

/** Programs by the names of images; a version of `wait` goes on until it is stopped. */
const IMAGES: Readonly<Record<string, Image>> = {
  'sandbox/tools:1': ({ container }) => ({
    command: process.execPath,
    args: [
      '-e',
      container === 'fetch-inputs'
        ? ''
        : "process.title = 'upload-outputs'; process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1e6)",
    ],
  }),
  'sim:ok': script("console.log('simulated', process.env.RUN_ID)"),
  'sim:bad': script("console.log('no beds left'); process.exit(3)"),
  'sim:wait': script('setInterval(() => {}, 1e6)'),
}

export const spec = (fields: Partial<ServiceSpec> = {}): ServiceSpec => ({
  image: 'sim:ok',
  description: 'a queueing model',
  displayName: null,
  jobType: 'ondemand',
  port: null,
  reps: 2,
  schedule: null,
  env: {},
  mountFiles: {},
  parallelism: null,
  retries: null,
  fanIn: null,
  concurrencyPolicy: null,
  historyLimit: null,
  retentionDays: null,
  ...fields,
})

export type Fixture = Awaited<ReturnType<typeof startFixture>>

const KEY = 'k'.repeat(32)
const CRD = new URL('../../../knative/config/crd/analytics.yaml', import.meta.url)
export const ANALYTICS = '/apis/eng.cam.ac.uk/v1alpha1/namespaces/flame/analytics'

interface Options {
  /** How long a minute of CronJobs takes. */
  readonly cronMinuteMs?: number
  readonly service?: Partial<ServiceSettings>
}

export async function startFixture(
  settings: Partial<DtSettings> = {},
  { cronMinuteMs = 60_000, service = {} }: Options = {},
) {
  const requests: string[] = []
  let isDown = false
  const [databases, kubernetes, folder] = await Promise.all([
    startTestDatabases(),
    startKubernetes({
      images: IMAGES,
      cronMinuteMs,
      onRequest: (method, path) => {
        if (isDown) throw new Error('down')
        requests.push(`${method} ${path}`)
      },
    }),
    mkdtemp(join(tmpdir(), 'dt-fixture-')),
  ])
  const login = await databases.create()
  const sql = connect({ ...databaseSettings(login), POSTGRES_MAX: 8 })
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubernetes.kubeconfig())
  const cluster = createDtCluster({ connection: connectKubernetes({ env: { KUBECONFIG: kubeconfig } }) })
  const emitted: OutgoingEvent[] = []
  const logged: { level: string; event: string; fields: Readonly<Record<string, unknown>> }[] = []
  let offsetMs = 0
  const now = () => new Date(Date.now() + offsetMs)

  /** As kubectl does it. */
  async function api(method: string, path: string, body?: unknown, type = 'application/json') {
    const answer = await fetch(`${kubernetes.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${kubernetes.token}`, 'content-type': type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, never> }
  }
  await api('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', parse(await readFile(CRD, 'utf8')))

  const ports: DtPorts = {
    store: createDtStore(sql, { now }),
    cluster,
    sink: { emit: async (event) => void emitted.push(event) },
    tokenOf: (grant) => runToken([KEY], grant),
    newId: () => randomBytes(12).toString('hex') as ServiceId,
    collectGarbage: async () => {},
    log: (level, event, fields = {}) => logged.push({ level, event, fields }),
    now,
    random: () => 0,
    settings: { ...SETTINGS, ...settings, service: { ...SETTINGS.service, ...service, namespace: cluster.namespace } },
  }

  /** What `upload-outputs` would have said of a run, with so many files. */
  async function say(
    id: ServiceId,
    { firing, index, attempt }: ServiceRunRef,
    state: ManifestState,
    files = 1,
  ): Promise<void> {
    await sql.query(async (db) => {
      const at = now()
      await db`
        insert into dt.output_set (service_id, firing, run_index, attempt, state, reason, begun_at, ended_at)
        values (${id}, ${firing}, ${index}, ${attempt}, ${state}, ${state === 'incomplete' ? 'too large' : null}, ${at},
          ${state === 'open' ? null : at})`
      for (let file = 0; file < files; file += 1) {
        const [{ body }] = await db<[{ body: string }]>`
          insert into dt.content (body, sha256, md5, length, created_at)
          values ((random() * 1e15)::bigint, ${randomBytes(32)}, ${randomBytes(16)}, 1, ${at}) returning body`
        const fileId = randomBytes(12).toString('hex')
        await db`insert into dt.file (id, filename, origin, body, created_at, uploaded_at)
          values (${fileId}, ${`out-${index}.json`}, 'output', ${body}, ${at}, ${at})`
        await db`insert into dt.output (service_id, seq, firing, run_index, attempt, path, file_id)
          select ${id}, coalesce(max(seq) + 1, 0), ${firing}, ${index}, ${attempt}, ${`out-${file}.json`}, ${fileId}
          from dt.output where service_id = ${id}`
      }
    })
  }

  return {
    ports,
    kubernetes,
    emitted,
    logged,
    requests,
    sql,
    api,
    say,
    /** Kubernetes does not answer as long as this is true. */
    setDown: (down: boolean) => {
      isDown = down
    },
    advance: (seconds: number) => {
      offsetMs += seconds * 1000
    },
    /** The settings by which functions find all this. */
    environment: {
      ...databaseEnvironment(login),
      KUBECONFIG: kubeconfig,
      DT_TOKEN_KEY: KEY,
      DT_TOOLS_IMAGE: 'sandbox/tools:1',
    },
    async stop() {
      await cluster.close()
      await sql.end()
      await Promise.all([databases.stop(), kubernetes.stop(), rm(folder, { recursive: true })])
    },
  }
}

/** Asks again until it is so. */
export async function eventually<T>(read: () => Promise<T>, fits: (value: T) => boolean, ms = 15_000): Promise<T> {
  const end = Date.now() + ms
  for (;;) {
    const value = await read()
    if (fits(value)) return value
    if (Date.now() > end) throw new Error(`it did not come to that: ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
