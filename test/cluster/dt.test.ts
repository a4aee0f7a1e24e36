/** Services of a digital twin on a real cluster: real Jobs, init containers, native sidecars, Knative Services, policies. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { connect } from '../../shared/adapters/postgres/dt/index.ts'
import { createImportIntake } from '../../shared/adapters/postgres/dt/intake.ts'
import { readService } from '../../shared/import/documents.ts'
import { databaseSettings } from '../sandbox/postgres.ts'
import { type ApiObject, eventually } from './api.ts'
import { startBeacon } from './beacon.ts'
import { type DtWorld, startDtWorld } from './dt-world.ts'
import { succeed } from './knative/make.ts'
import { plainPod } from './surroundings.ts'
import { findResolver } from './world.ts'

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

let world: DtWorld
beforeAll(async () => {
  world = await startDtWorld()
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

const upload = async (name: string, content: string): Promise<string> => {
  const form = new FormData()
  form.set('file', new File([content], name))
  const { status, body } = await world.call('POST', '/files/upload', form)
  expect(status).toBe(200)
  return (body as { file_id: string }).file_id
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

  test('with files is a Deployment and a Service, which find them, and go with it', async () => {
    const file = await upload('input.xlsx', TABLE)
    const id = await launch(world.images.server, {
      mount_files: { [file]: 'input.xlsx' },
      port: 9200,
      ana: { job_type: 'persistent' },
    })
    await expect.poll(async () => (await statusOf(id))?.url, PATIENCE).toMatch(new RegExp(`^http://dt-${id}\\.`))
    const said = () => world.api.ask<object>(`dt-${id}`, 80, '/hello').catch((error: unknown) => String(error))
    await expect.poll(said, PATIENCE).toMatchObject({ path: '/hello', inputs: ['input.xlsx'], port: '9200' })
    await terminate(id)
    await expect.poll(() => world.api.find('Deployment', `dt-${id}`), PATIENCE).toBeUndefined()
    await expect.poll(() => world.api.find('Service', `dt-${id}`), PATIENCE).toBeUndefined()
  })

  test('made by kubectl alone is seen, and says so in its status', async () => {
    const id = newId()
    await world.api.create(resource(id, { image: world.images.server, jobType: 'persistent', port: null, env: null }))
    const phase = async () => ((await world.api.find('Analytics', id))?.['status'] as { phase?: string })?.phase
    await expect.poll(phase, PATIENCE).toBe('Serving')
    await expect.poll(async () => (await statusOf(id))?.phase, PATIENCE).toBe('serving')
    await world.api.remove('Analytics', id, 'Foreground')
    // The record remains until terminate.
    await expect
      .poll(() => statusOf(id), PATIENCE)
      .toMatchObject({ phase: 'terminated', reason: 'its resource was deleted' })
    await terminate(id)
    expect(await statusOf(id)).toBeUndefined()
  })
})

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

/** The JSON outputs of a service's runs, in the order of the runs. */
const leftBy = async <T>(id: string): Promise<readonly T[]> => {
  const places = (await statusOf(id))?.output_files ?? []
  const read = places.map((_, place) => world.call('GET', `/service/${id}/output/${place}`))
  return (await Promise.all(read)).map(({ body }) => body)
}

describe('the sample', () => {
  const FILE = 'docs/samples/analytics.yaml'
  const ID = '669a52d1364a1b751c550d56'
  const kubectl = (...args: string[]) =>
    succeed('kubectl', [...args, '--namespace', world.api.namespace], {
      env: { KUBECONFIG: world.environment.kubeconfig },
    })

  test('by kubectl, without its file, fails and says so; with the row of before it has its file', async () => {
    await kubectl('apply', '-f', FILE)
    await ended(ID)
    expect(await statusOf(ID)).toMatchObject({ status: 'error', phase: 'failed' })
    expect((await runsOf(ID))[0]?.log_tail).toContain('/input/input.xlsx')
    const { stdout } = await kubectl('get', 'analytics', ID)
    expect(stdout).toMatch(/ondemand +\S+ +Failed/)
    await kubectl('delete', '-f', FILE)
    await expect.poll(async () => (await statusOf(ID))?.phase, PATIENCE).toBe('failed')
    await terminate(ID)
    await expect.poll(() => statusOf(ID), PATIENCE).toBeUndefined()

    const file = await upload('input.xlsx', TABLE)
    const { taken } = readService({
      _id: ID,
      image: 'ghcr.io/cam-digital-hospitals/digital-hosp-des',
      version: 'latest',
      reps: 2,
      mount_files: { [file]: 'input.xlsx' },
    })
    const database = connect(databaseSettings(world.postgres))
    const take = () =>
      createImportIntake(database).take({ service: taken, phase: 'terminated', reason: 'imported', succeeded: 0 })
    // The loop removes the terminated service.
    await expect.poll(take, PATIENCE).toBe(true)
    await database.end()
    await kubectl('apply', '-f', FILE)
    await expect.poll(async () => (await statusOf(ID))?.phase, PATIENCE).toBe('succeeded')
    expect(await leftBy(ID)).toMatchObject([{ hours: 1176 }, { hours: 1176 }])
    await terminate(ID)
  })

  test('by the API', async () => {
    const file = await upload('input.xlsx', TABLE)
    const { spec } = parse(readFileSync(FILE, 'utf8')) as { spec: { image: string; env: object; reps: number } }
    const id = await launch(spec.image, {
      mount_files: { [file]: 'input.xlsx' },
      env: spec.env,
      ana: { job_type: 'ondemand', reps: spec.reps },
    })
    await ended(id)
    expect(await statusOf(id)).toMatchObject({ status: 'ok' })
    expect(await leftBy(id)).toMatchObject([{ hours: 1176 }, { hours: 1176 }])
    await terminate(id)
  })
})

describe('a step after all runs', () => {
  test('finds what each of them left, and leaves its own', async () => {
    const id = await launch(world.images.worker, {
      env: { VALUE: '7' },
      ana: { job_type: 'ondemand', reps: 3 },
      fan_in: { image: world.images.worker, env: { SUM: 'yes' } },
    })
    await ended(id)
    expect(await statusOf(id)).toMatchObject({ status: 'ok', phase: 'succeeded' })
    expect(await leftBy(id)).toMatchObject([{ value: 7 }, { value: 7 }, { value: 7 }, { of: ['0', '1', '2'], sum: 21 }])
    await terminate(id)
  })
})

describe('a scheduled service', () => {
  test('fires by itself, with runs of its own, and terminate ends that', async () => {
    const id = await launch(world.images.worker, {
      env: { VALUE: '1' },
      concurrency_policy: 'Forbid',
      ana: { job_type: 'scheduled', reps: 2, schedule: '* * * * *' },
    })
    await expect.poll(async () => (await statusOf(id))?.phase, PATIENCE).toBe('scheduled')
    const succeeded = async () => (await runsOf(id)).filter(({ phase }) => phase === 'succeeded').length
    await expect.poll(succeeded, PATIENCE).toBe(2)
    expect(await leftBy(id)).toMatchObject([{ value: 1 }, { value: 1 }])
    expect(await statusOf(id)).toMatchObject({ phase: 'scheduled' })
    await terminate(id)
    const left = async () => [
      ...(await world.api.list('CronJob')),
      ...(await world.api.list('Job')).filter(({ metadata }) => metadata.name.includes(id)),
    ]
    await expect.poll(left, PATIENCE).toEqual([])
  })
})

const there = <T>(object: T | undefined): T => {
  if (object === undefined) throw new Error('it is not there')
  return object
}

/** The credential that a run's programs have and its image must not. */
const tokenOf = async (id: string): Promise<string> => {
  const secret = await world.api.find('Secret', `dt-${id}-tokens`)
  return Buffer.from((there(secret)['data'] as { 0: string })[0], 'base64').toString()
}

interface Look {
  readonly reached: Readonly<Record<string, boolean>>
  readonly variables: readonly string[]
  readonly folders: readonly string[]
  readonly mounts: readonly string[]
}

async function startedBeacon(address: string) {
  const beacon = await startBeacon(address)
  return { port: beacon.port, [Symbol.asyncDispose]: beacon.stop }
}

describe('isolation', () => {
  test('a run gets to nobody, and finds no credential', async () => {
    const { api } = world
    await api.create(plainPod('neighbour', {}, { image: world.images.server }))
    await expect.poll(() => api.log('neighbour'), PATIENCE).toContain('listening')
    const server = await api.json<ApiObject>('GET', '/api/v1/namespaces/default/services/kubernetes')
    const resolver = world.environment.resolver ?? (await findResolver(api))
    const addressOf = (service?: ApiObject) => (there(service)['spec'] as { clusterIP: string }).clusterIP
    const { podIP } = there(await api.find('Pod', 'neighbour'))['status'] as { podIP: string }
    await using beacon = await startedBeacon(world.environment.hostAddress)
    const targets = {
      'name server': [resolver, 53],
      'API server': [addressOf(server), 443],
      'another pod': [podIP, 8080],
      'this machine': [world.environment.hostAddress, beacon.port],
    }
    const LOOK = JSON.stringify(targets)
    const all = Object.keys(targets).map((name) => [name, true] as const)
    await api.create(plainPod('anybody', {}, { image: world.images.worker, env: { LOOK } }))
    const control = async () => JSON.parse((await api.log('anybody')).trim() || '{}') as Partial<Look>
    await expect.poll(async () => (await control()).reached, PATIENCE).toEqual(Object.fromEntries(all))
    const id = await launch(world.images.worker, { env: { LOOK }, ana: { job_type: 'ondemand', reps: 1 } })
    await ended(id)
    const [found] = await leftBy<Look>(id)
    const reached = all.map(([name]) => [name, name === 'name server'] as const)
    expect(found).toMatchObject({ reached: Object.fromEntries(reached), folders: [], mounts: ['/input', '/output'] })
    const secret = /TOKEN|PASSWORD|SECRET|MONGO|POSTGRES/
    expect(there(found).variables.filter((name) => secret.test(name))).toEqual([])
    await terminate(id)
  })

  test('the token of one service is refused for another, and after its end', async () => {
    const ids = [0, 1].map(() =>
      launch(world.images.worker, { env: { VALUE: '1' }, ana: { job_type: 'ondemand', reps: 1 } }),
    )
    const [own = '', other = ''] = await Promise.all(ids)
    await Promise.all([ended(own), ended(other)])
    const ask = async (method: string, path: string, token: string) => {
      const headers = { authorization: `Bearer ${token}` }
      const body = method === 'PUT' ? 'theirs' : undefined
      return (await fetch(`${world.dt.runsGateway.url}${path}`, { method, headers, ...(body ? { body } : {}) })).status
    }
    const token = await tokenOf(own)
    const run = 'firing=0&index=0&attempt=0'
    expect(await ask('GET', `/run/${own}/inputs`, token)).toBe(409)
    expect(await ask('PUT', `/run/${own}/outputs/forged.json?${run}`, token)).toBe(409)
    for (const [method, path] of [
      ['GET', `/run/${other}/inputs`],
      ['GET', `/run/${other}/outputs?${run}`],
      ['PUT', `/run/${other}/outputs/forged.json?${run}`],
    ] as const) {
      expect(await ask(method, path, token), path).toBe(403)
      expect(await ask(method, path, 'none'), path).toBe(401)
    }
    expect(await leftBy(other)).toMatchObject([{ value: 1 }])
    await terminate(own)
    expect(await ask('GET', `/run/${own}/inputs`, token)).not.toBe(200)
  })
})

test('200 launches have their Jobs within ten seconds of the last answer', async () => {
  const { api } = world
  const quotas = `/api/v1/namespaces/${api.namespace}/resourcequotas`
  // Jobs only: a node cannot run 200 pods.
  await api.json('POST', quotas, { metadata: { name: 'no-pods' }, spec: { hard: { pods: '0' } } })
  const before = (await api.list('Job')).length
  const waiting = Array.from({ length: 200 })
  const began = performance.now()
  const worker = async () => {
    while (waiting.length > 0 && waiting.pop() === undefined)
      await launch(world.images.worker, { ana: { job_type: 'ondemand', reps: 1 } })
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  const answered = performance.now()
  await eventually('200 Jobs', async () => (await api.list('Job')).length >= before + 200, 60_000)
  const seconds = (performance.now() - answered) / 1000
  console.log(
    `   ${((answered - began) / 1000).toFixed(2)} s  200 launches; ${seconds.toFixed(2)} s more until all Jobs are there`,
  )
  expect(seconds).toBeLessThan(10)
  await api.json('DELETE', `/apis/eng.cam.ac.uk/v1alpha1/namespaces/${api.namespace}/analytics`)
  await eventually('no Job is left', async () => (await api.list('Job')).length <= before, 100_000)
  await api.json('DELETE', `${quotas}/no-pods`)
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
