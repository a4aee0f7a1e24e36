/** The digital-twin orchestrator, installed by `make deploy`, with runs in real Jobs and ticks from Knative. */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callerRoutes, runRoutes } from '../../../knative/manifests/dt.ts'
import { dtRoutes, type Endpoint } from '../../../shared/routes/index.ts'
import { type ApiObject, eventually } from '../api.ts'
import { clusterEnvironment } from '../environment.ts'
import { allowed, granted, pairs, RESOURCES } from './access.ts'
import { type InstalledDt, installDt } from './dt.ts'
import { survey } from './survey.ts'

const PREFIX = '/api/orchestrator/v1alpha1'
const TABLE = readFileSync(new URL('../../sandbox/data/laboratory.csv', import.meta.url), 'utf8')
const PATIENCE = { timeout: 110_000, interval: 250 }
const newId = () => randomBytes(12).toString('hex')

const stops = new AsyncDisposableStack()
let dt: InstalledDt
beforeAll(async () => {
  dt = await installDt(stops)
})
afterAll(() => stops.disposeAsync())

const json = async <T>(path: string): Promise<T | undefined> => {
  const answer = await dt.send('GET', `${PREFIX}${path}`)
  return answer.status === 200 ? ((await answer.json()) as T) : undefined
}
interface Status {
  readonly status: string
  readonly phase: string
  readonly output_files: readonly string[]
}
interface Run {
  readonly phase: string
  readonly attempt: number
  readonly output_files: Readonly<Record<string, string>>
}
const statusOf = (id: string) => json<Status>(`/service/${id}/status`)
const runsOf = async (id: string) => (await json<readonly Run[]>(`/service/${id}/runs`)) ?? []
const ended = (id: string) =>
  expect.poll(async () => (await statusOf(id))?.phase, PATIENCE).toMatch(/^(succeeded|failed)$/)

async function launch(image: string, more: object): Promise<string> {
  const at = image.lastIndexOf(':')
  const named = { image: image.slice(0, at), version: image.slice(at + 1), description: 'a test' }
  const answer = await dt.send('POST', `${PREFIX}/service/launch`, { ...named, ...more })
  expect(answer.status, await answer.clone().text()).toBe(202)
  return ((await answer.json()) as { id: string }).id
}
async function upload(name: string, content: string): Promise<string> {
  const form = new FormData()
  form.set('file', new File([content], name))
  const answer = await dt.send('POST', `${PREFIX}/files/upload`, form)
  expect(answer.status, await answer.clone().text()).toBe(200)
  return ((await answer.json()) as { file_id: string }).file_id
}
/** Kills all pods of a function at once, as the loss of their node does. */
async function kill(name: string): Promise<number> {
  const pods = await dt.api.pods(`serving.knative.dev/service=${name}`)
  const path = `/api/v1/namespaces/${dt.api.namespace}/pods`
  await Promise.all(pods.map(({ metadata }) => dt.api.json('DELETE', `${path}/${metadata.name}?gracePeriodSeconds=0`)))
  return pods.length
}

describe('the installation', () => {
  test('has manifests whose overlay passes every check of the API server', async () => {
    const applied = await survey('dt', dt.api.namespace, clusterEnvironment())
    expect(applied).toEqual(dtRoutes.map(({ name }) => name).sort())
  })

  test('says how it was deployed, and has every function ready', async () => {
    expect(dt.deployed.join('\n')).toMatch(/Job po-migrate: ready[\s\S]*PingSource dt-loop: ready/)
    type Function = ApiObject & { readonly status: { conditions: readonly { type: string; status: string }[] } }
    const ready = (await dt.api.list<Function>('KnativeService'))
      .filter(({ status }) => status.conditions.every(({ status: is }) => is === 'True'))
      .map(({ metadata }) => metadata.name)
    expect(ready.sort()).toEqual(dtRoutes.map(({ name }) => name).sort())
  })

  test.each(dtRoutes.map((route) => [route.name, route] as const))(
    '%s may do what its row grants',
    async (name, route) => {
      expect(await allowed(dt.api, name, pairs(RESOURCES), dt.api.namespace)).toEqual(granted(route))
      expect(await allowed(dt.api, name, pairs(RESOURCES), 'kube-system')).toEqual([])
    },
  )
})

/** Responses of an empty installation to a call with a token and a minimal body. */
const ANSWERS: Readonly<Record<string, number>> = {
  'POST /service/launch': 422,
  'POST /files/upload': 422,
  'PUT /files/{file_id}': 404,
}
const OPEN = new Set(['dt-healthz', 'dt-docs'])
const answerTo = ({ method, path }: Endpoint) => ANSWERS[`${method} ${path}`] ?? (path.includes('{') ? 404 : 200)
const pathOf = ({ path }: Endpoint) =>
  path
    .replace('{idx}', '0')
    .replace('{file}', 'nothing')
    .replace(/\{\w+\}/, newId())
const calls = [PREFIX, ''].flatMap((prefix) =>
  callerRoutes
    .filter(({ trigger }) => trigger === 'http')
    .flatMap(({ name, endpoints }) =>
      endpoints.map((endpoint) => [`${endpoint.method} ${prefix}${endpoint.path}`, name, prefix, endpoint] as const),
    ),
)

describe('through the gateway', () => {
  test.each(calls)('%s is answered by %s', async (_, name, prefix, endpoint) => {
    const form = new FormData()
    form.set('nothing', 'that is asked for')
    const isUpload = endpoint.path.startsWith('/files') && ['POST', 'PUT'].includes(endpoint.method)
    const body = isUpload ? form : endpoint.method === 'POST' ? {} : undefined
    const path = `${prefix}${pathOf(endpoint)}`
    const answer = await dt.send(endpoint.method, path, body)
    expect(answer.status, await answer.text()).toBe(answerTo(endpoint))
    const anonymous = await fetch(`${dt.url}${path}`, { method: endpoint.method })
    expect(anonymous.status).toBe(OPEN.has(name) ? answer.status : 401)
  })

  test.each(runRoutes.flatMap(({ endpoints }) => endpoints.map((endpoint) => [endpoint.method, endpoint] as const)))(
    '%s of what runs alone call is nowhere',
    async (method, endpoint) => {
      for (const prefix of [PREFIX, '']) {
        const body = method === 'GET' ? undefined : {}
        expect((await dt.send(method, `${prefix}${pathOf(endpoint)}`, body)).status).toBe(404)
      }
    },
  )
})

describe('a service', () => {
  test('is launched, runs in a Job with its input, and leaves what it left', async () => {
    const file = await upload('input.xlsx', TABLE)
    const id = await launch(dt.images.laboratory, {
      mount_files: { [file]: 'input.xlsx' },
      env: { INPUT_EXCEL_FILE: '/input/input.xlsx', OUTPUT_FOLDER: '/output', SIM_HOURS: '500' },
      ana: { job_type: 'ondemand', reps: 2 },
    })
    await ended(id)
    expect(await statusOf(id)).toMatchObject({ status: 'ok', phase: 'succeeded' })
    expect((await statusOf(id))?.output_files).toHaveLength(2)
    for (const place of [0, 1]) {
      expect(await json(`/service/${id}/output/${place}`)).toMatchObject({
        hours: 500,
        runId: expect.stringContaining(id),
      })
    }
    const listed = (await json<readonly { id: string }[]>('/service/')) ?? []
    expect(listed.map((row) => row.id)).toContain(id)
    expect((await dt.send('DELETE', `${PREFIX}/service/${id}/terminate`)).status).toBe(200)
    await expect.poll(() => dt.api.find('Job', id), PATIENCE).toBeUndefined()
  })

  test('of a resource made by kubectl is acted on with the next tick', async () => {
    const id = newId()
    await dt.api.create({
      apiVersion: 'eng.cam.ac.uk/v1alpha1',
      kind: 'Analytics',
      metadata: { name: id },
      spec: { image: dt.images.worker, jobType: 'ondemand', reps: 1, env: { VALUE: '3' } },
    })
    await eventually('its Job', () => dt.api.find('Job', id), 10_000)
    await ended(id)
    expect(await json(`/service/${id}/output/0`)).toMatchObject({ value: 3 })
    await expect
      .poll(async () => (await dt.api.find('Analytics', id))?.['status'], PATIENCE)
      .toMatchObject({ phase: 'Succeeded' })
  })

  test('ends as it should when the loop dies meanwhile, again and again', async () => {
    const id = await launch(dt.images.worker, {
      env: { VALUE: '5', SECONDS: '4' },
      ana: { job_type: 'ondemand', reps: 4 },
    })
    let killed = 0
    while (!/^(succeeded|failed)$/.test((await statusOf(id))?.phase ?? '')) {
      killed += await kill('dt-reconcile')
      await new Promise((resolve) => setTimeout(resolve, 3000))
    }
    expect(killed).toBeGreaterThan(1)
    expect((await runsOf(id)).map(({ phase, attempt }) => [phase, attempt])).toEqual(
      Array.from({ length: 4 }, () => ['succeeded', 0]),
    )
    expect((await statusOf(id))?.output_files).toHaveLength(4)
  })

  test('keeps every byte of an output whose taker dies meanwhile', async () => {
    const MIB = 192
    const id = await launch(dt.images.worker, {
      env: { WRITE_MIB: String(MIB) },
      ana: { job_type: 'ondemand', reps: 1 },
    })
    await expect.poll(async () => (await runsOf(id))[0]?.phase, PATIENCE).toMatch(/finishing|succeeded/)
    expect(await kill('dt-run-output')).toBeGreaterThan(0)
    await ended(id)
    expect(await statusOf(id)).toMatchObject({ status: 'ok', phase: 'succeeded' })
    const [run] = await runsOf(id)
    const named = Object.entries(run?.output_files ?? {})
    const idOf = (end: string) => named.find(([, name]) => name.endsWith(end))?.[0]
    const said = (await json<{ sha256: string; length: number }>(`/files/${idOf('large.json')}`)) ?? {
      sha256: '',
      length: 0,
    }
    const answer = await dt.send('GET', `${PREFIX}/files/${idOf('large.bin')}`)
    const bytes = Buffer.from(await answer.arrayBuffer())
    expect(bytes.length).toBe(MIB * 1024 * 1024)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(said.sha256)
    // Symbolic links are not followed.
    expect(idOf('link')).toBeUndefined()
  })

  test('that is a server is a Knative Service of its own', async () => {
    const id = await launch(dt.images.server, { env: { GREETING: 'hello' }, ana: { job_type: 'persistent' } })
    await expect.poll(async () => (await statusOf(id))?.phase, PATIENCE).toBe('serving')
    expect((await dt.send('DELETE', `${PREFIX}/service/${id}/terminate`)).status).toBe(200)
    await expect.poll(() => dt.api.find('KnativeService', `dt-${id}`), PATIENCE).toBeUndefined()
  })
})
