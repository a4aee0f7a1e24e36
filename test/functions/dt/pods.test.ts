/**
 * Services from launch to end: the functions as processes, the loop, and the programs of each run in pods of the sandbox's
 * Kubernetes, with the token that the pod mounts.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { routes } from '../../../shared/routes/index.ts'
import { type Dt, defineAnalytics, dtImages, startDt } from '../../sandbox/dt.ts'
import { type Kubernetes, startKubernetes } from '../../sandbox/kubernetes/index.ts'
import { databaseSettings } from '../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../sandbox/test-databases.ts'

let databases: TestDatabases
let kubernetes: Kubernetes
let dt: Dt
let folder: string

beforeAll(async () => {
  ;[databases, kubernetes, folder] = await Promise.all([
    startTestDatabases(),
    startKubernetes({ images: dtImages, cronMinuteMs: 3000 }),
    mkdtemp(join(tmpdir(), 'pods-')),
  ])
  await defineAnalytics(kubernetes)
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubernetes.kubeconfig())
  const settings = Object.entries(databaseSettings(await databases.create()))
  const database = Object.fromEntries(settings.map(([name, value]) => [name, String(value)]))
  const limits = { DT_OUTPUT_LIMIT: '100k', DT_OUTPUT_GRACE: '10' }
  const env = { ...database, ...limits, DT_AUTH: 'none', KUBECONFIG: kubeconfig, LOG_LEVEL: 'fatal' }
  dt = await startDt({ env, intervalSeconds: 1, ticking: true })
}, 120_000)
afterAll(async () => {
  await dt?.stop()
  await kubernetes?.stop()
  await databases?.stop()
  await rm(folder, { recursive: true, force: true })
})

type Row = Readonly<Record<string, never>>
const ask = async <T = Row>(route: Parameters<Dt['functions']['addressOf']>[0], path: string, init?: RequestInit) =>
  (await (await fetch(`${dt.functions.addressOf(route)}${path}`, init)).json()) as T

const FOLDERS = { IN: '/input', OUT: '/output' }

async function launch(script: string, ana: object, more: object = {}): Promise<string> {
  const form = new FormData()
  form.set('file', new Blob(['an input\n']), 'in.txt')
  const file = await ask<{ file_id: string }>(routes.dt.fileUpload, '/files/upload', { method: 'POST', body: form })
  const body = {
    image: 'sandbox/shell',
    version: '1',
    description: 'a test',
    mount_files: { [file.file_id]: 'in.txt' },
    env: { ...FOLDERS, SCRIPT: `sleep 2; ${script}` },
    ana,
    ...more,
  }
  const launched = await ask<{ id: string }>(routes.dt.serviceLaunch, '/service/launch', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return launched.id
}

interface Status {
  readonly status: string
  readonly reason: string | null
  readonly succeeded_runs: number
}
async function ended(id: string, isEnded = ({ status }: Status) => status !== 'running'): Promise<Status> {
  for (;;) {
    const found = await ask<Status>(routes.dt.serviceStatus, `/service/${id}/status`)
    if (isEnded(found)) return found
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
const output = async (id: string, place: number) =>
  (await fetch(`${dt.functions.addressOf(routes.dt.serviceOutput)}/service/${id}/output/${place}`)).text()

const COPY = 'cp "$IN/in.txt" "$OUT/copy.txt"'

test.concurrent('replications leave what they copied, and the fan-in finds it', async () => {
  const summary = {
    image: 'sandbox/shell:1',
    env: { ...FOLDERS, SCRIPT: 'sleep 2; cat "$IN"/outputs/*/copy.txt > "$OUT/all.txt"' },
  }
  const id = await launch(
    `${COPY}; ln "$OUT/copy.txt" "$OUT/link.txt"`,
    { job_type: 'ondemand', reps: 3 },
    { fan_in: summary },
  )
  expect(await ended(id)).toMatchObject({ status: 'ok', reason: null, succeeded_runs: 3 })
  const runs = await ask<{ index: number; output_files: object }[]>(routes.dt.serviceRuns, `/service/${id}/runs`)
  expect(runs.map(({ index, output_files }) => [index, Object.values(output_files)])).toEqual([
    ...[0, 1, 2].map((index) => [index, ['copy.txt', 'link.txt']]),
    [3, ['all.txt']],
  ])
  expect(await output(id, 6)).toBe('an input\n'.repeat(3))
}, 60_000)

test.concurrent('a firing of a schedule leaves what it copied', async () => {
  const id = await launch(COPY, { job_type: 'scheduled', reps: 2, schedule: '* * * * *' })
  await ended(id, ({ succeeded_runs: count }) => count >= 2)
  expect([await output(id, 0), await output(id, 1)]).toEqual(['an input\n', 'an input\n'])
  await ask(routes.dt.serviceTerminate, `/service/${id}/terminate`, { method: 'DELETE' })
}, 60_000)

test.concurrent('a run that leaves more than it may is incomplete, and says by which limit', async () => {
  const id = await launch('truncate -s 200000 "$OUT/sparse"', { job_type: 'ondemand', reps: 1 })
  const { status, reason } = await ended(id)
  expect(status).toBe('error')
  expect(reason).toContain('a run may leave 100000 bytes (DT_OUTPUT_LIMIT), and there are more')
}, 60_000)
