/** Services of a digital twin on a real cluster: real Jobs, init containers, native sidecars, Knative Services, policies. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTwinWorld, type TwinWorld } from './twins.ts'

const PATIENCE = { timeout: 110_000, interval: 250 }
const splitImage = (image: string) => {
  const at = image.lastIndexOf(':')
  return { image: image.slice(0, at), version: image.slice(at + 1) }
}
const TABLE = readFileSync(new URL('../sandbox/data/laboratory.csv', import.meta.url), 'utf8')
const newId = () => randomBytes(12).toString('hex')

interface Status {
  readonly status: string
  readonly phase: string
  readonly reason: string | null
  readonly url: string | null
  readonly output_files: readonly string[]
}

let world: TwinWorld
beforeAll(async () => {
  world = await startTwinWorld()
})
afterAll(() => world?.stop())

const statusOf = async (id: string): Promise<Status | undefined> => {
  const { status, body } = await world.call('GET', `/service/${id}/status`)
  return status === 200 ? body : undefined
}
const launch = async (image: string, more: object): Promise<string> => {
  const body = { ...splitImage(image), description: 'a test', ...more }
  const answer = await world.call('POST', '/service/launch', body)
  expect(answer.status).toBe(202)
  return (answer.body as { id: string }).id
}
const resource = (id: string, spec: object) => ({
  apiVersion: 'eng.cam.ac.uk/v1alpha1',
  kind: 'Analytics',
  metadata: { name: id },
  spec,
})
const terminate = async (id: string): Promise<void> => {
  expect((await world.call('DELETE', `/service/${id}/terminate`)).status).toBe(200)
  await expect.poll(() => world.api.find('Analytics', id), PATIENCE).toBeUndefined()
}

describe('a persistent service', () => {
  test('is a Knative Service: launched by the API, it answers at its URL with what it was given, and goes', async () => {
    const env = { GREETING: 'hello', PORT: '9123' }
    const id = await launch(world.images.server, { env, ana: { job_type: 'persistent' } })
    await expect.poll(async () => (await statusOf(id))?.url, PATIENCE).toMatch(/^http:/)
    const service = await world.api.find('KnativeService', `dt-${id}`)
    expect(service?.metadata).toMatchObject({ ownerReferences: [{ kind: 'Analytics', name: id }] })
    const path = `/api/v1/namespaces/${world.api.namespace}/services/dt-${id}-00001-private:http/proxy/hello`
    const said = () => world.api.json<object>('GET', path).catch((error: unknown) => String(error))
    await expect
      .poll(said, PATIENCE)
      .toMatchObject({ path: '/hello', greeting: 'hello', port: '9123', runId: `dt-${id}` })
    await terminate(id)
    await expect.poll(() => world.api.find('KnativeService', `dt-${id}`), PATIENCE).toBeUndefined()
    expect(await statusOf(id)).toBeUndefined()
  })

  test('made by kubectl alone is seen, and says so in its status', async () => {
    const id = newId()
    await world.api.create(resource(id, { image: world.images.server, jobType: 'persistent', port: null, env: null }))
    const phase = async () => ((await world.api.find('Analytics', id))?.['status'] as { phase?: string })?.phase
    await expect.poll(phase, PATIENCE).toBe('Serving')
    await expect.poll(async () => (await statusOf(id))?.phase, PATIENCE).toBe('serving')
    await world.api.remove('Analytics', id, 'Foreground')
    await expect.poll(() => statusOf(id), PATIENCE).toBeUndefined()
  })
})

const upload = async (name: string, content: string): Promise<string> => {
  const form = new FormData()
  form.set('file', new File([content], name))
  const { status, body } = await world.call('POST', '/files/upload', form)
  expect(status).toBe(200)
  return (body as { file_id: string }).file_id
}
const SIMULATION = { INPUT_EXCEL_FILE: '/input/input.xlsx', OUTPUT_FOLDER: '/output', SIM_HOURS: '500' }
const ended = (id: string) =>
  expect.poll(async () => (await statusOf(id))?.phase, PATIENCE).toMatch(/^(succeeded|failed)$/)
interface Run {
  readonly index: number
  readonly phase: string
  readonly reason: string | null
  readonly exit_code: number | null
  readonly log_tail: string | null
}
const runsOf = async (id: string): Promise<readonly Run[]> => (await world.call('GET', `/service/${id}/runs`)).body

describe('a service on demand', () => {
  test('runs in a Job with its inputs; its outputs are kept, one of each replication', async () => {
    const file = await upload('input.xlsx', TABLE)
    const id = await launch(world.images.laboratory, {
      mount_files: { [file]: 'input.xlsx' },
      env: SIMULATION,
      ana: { job_type: 'ondemand', reps: 2 },
    })
    await ended(id)
    expect(await statusOf(id)).toMatchObject({ status: 'ok', phase: 'succeeded' })
    expect((await statusOf(id))?.output_files).toHaveLength(2)
    const job = await world.api.find('Job', id)
    expect(job?.['spec']).toMatchObject({ completionMode: 'Indexed', completions: 2 })
    const reports = await Promise.all([0, 1].map((place) => world.call('GET', `/service/${id}/output/${place}`)))
    for (const { status, body } of reports) {
      expect(status).toBe(200)
      expect(body).toMatchObject({ hours: 500, runId: expect.stringContaining(id) })
    }
    expect((await runsOf(id)).map(({ phase, exit_code: code }) => [phase, code])).toEqual([
      ['succeeded', 0],
      ['succeeded', 0],
    ])
    await terminate(id)
    await expect.poll(() => world.api.find('Job', id), PATIENCE).toBeUndefined()
    expect((await world.call('DELETE', `/service/${id}/terminate`)).status).toBe(404)
  })

  test('made by kubectl alone, with its file; and without it, it fails and says which', async () => {
    const file = await upload('input.xlsx', TABLE)
    const spec = { image: world.images.laboratory, jobType: 'ondemand', reps: 1, env: SIMULATION }
    const [good, bad] = [newId(), newId()]
    await world.api.create(resource(good, { ...spec, mountFiles: { [file]: 'input.xlsx' } }))
    await world.api.create(resource(bad, { ...spec, retries: 0, mountFiles: { ['0'.repeat(24)]: 'input.xlsx' } }))
    await ended(good)
    expect(await statusOf(good)).toMatchObject({ status: 'ok' })
    await ended(bad)
    expect(await statusOf(bad)).toMatchObject({ status: 'error', phase: 'failed' })
    expect((await runsOf(bad))[0]?.reason).toContain('input.xlsx')
    const status = (await world.api.find('Analytics', good))?.['status']
    expect(status).toMatchObject({ phase: 'Succeeded', counts: { succeeded: 1 } })
  })

  test('what a run that failed left is kept, too', async () => {
    const file = await upload('input.xlsx', 'no table')
    const id = await launch(world.images.laboratory, {
      mount_files: { [file]: 'input.xlsx' },
      env: SIMULATION,
      retries: 0,
      ana: { job_type: 'ondemand', reps: 1 },
    })
    await ended(id)
    expect(await statusOf(id)).toMatchObject({ status: 'error', phase: 'failed' })
    const [run] = await runsOf(id)
    expect(run).toMatchObject({ phase: 'failed', exit_code: 1 })
    expect(run?.log_tail).toContain('expected the columns')
  })
})

describe('what the kind refuses', () => {
  test.each<[string, object]>([
    ['replications of a server', { image: 'i', jobType: 'persistent', reps: 1 }],
    ['no replications on demand', { image: 'i', jobType: 'ondemand', reps: null }],
    ['a schedule without replications', { image: 'i', jobType: 'scheduled', schedule: '* * * * *' }],
    ['another word', { image: 'i', jobType: 'sometimes', reps: 1 }],
  ])('%s', async (_, spec) => {
    await expect(world.api.create(resource(newId(), spec))).rejects.toThrow('422')
  })
  test('a name that is no id', async () => {
    await expect(world.api.create(resource('some-name', { image: 'i', jobType: 'persistent' }))).rejects.toThrow('422')
  })
})
