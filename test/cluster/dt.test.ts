/** Services of a digital twin on a real cluster: real Jobs, init containers, native sidecars, Knative Services, policies. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTwinWorld, type TwinWorld } from './twins.ts'

const PATIENCE = { timeout: 110_000, interval: 250 }
const splitImage = (image: string) => {
  const at = image.lastIndexOf(':')
  return { image: image.slice(0, at), version: image.slice(at + 1) }
}
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
    const answer = await world.api.json<object>(
      'GET',
      `/api/v1/namespaces/${world.api.namespace}/services/dt-${id}-00001-private:80/proxy/hello`,
    )
    expect(answer).toMatchObject({ path: '/hello', greeting: 'hello', port: '9123', runId: `dt-${id}` })
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
