/** Services from launch to end over real PostgreSQL and the sandbox's Kubernetes. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launch } from '../../../shared/dt/launch.ts'
import { createList } from '../../../shared/dt/list.ts'
import { logs } from '../../../shared/dt/logs.ts'
import type { ServiceId } from '../../../shared/dt/model.ts'
import { reconcileOne } from '../../../shared/dt/reconcile/handle.ts'
import { createPolicyCache } from '../../../shared/dt/reconcile/make.ts'
import { sweep } from '../../../shared/dt/reconcile/sweep.ts'
import { runs, serviceIdOf, status } from '../../../shared/dt/status.ts'
import { terminate } from '../../../shared/dt/terminate.ts'
import { Fault } from '../../../shared/platform/fault.ts'
import { ANALYTICS, eventually, type Fixture, spec, startFixture } from './fixture.ts'

let fixture: Fixture
const cache = createPolicyCache()
beforeAll(async () => {
  fixture = await startFixture()
}, 60_000)
afterAll(() => fixture.stop())
beforeEach(() => {
  fixture.emitted.length = 0
})

const list = createList()
const once = () => sweep(fixture.ports, cache)
const swept = async (id: ServiceId, fits: (state: Awaited<ReturnType<typeof status>>) => boolean) =>
  eventually(async () => {
    await once()
    return status(fixture.ports, id)
  }, fits)
const begin = async (fields: Parameters<typeof spec>[0] = {}): Promise<ServiceId> => {
  const { id } = await launch(fixture.ports, { spec: spec(fields), labels: {} })
  await reconcileOne(fixture.ports, cache, id)
  return id
}
const sayAll = async (id: ServiceId, reps: number) => {
  for (let index = 0; index < reps; index += 1) await fixture.say(id, { firing: 0, index, attempt: 0 }, 'complete')
}
interface Shown {
  readonly metadata: { readonly uid: string; readonly labels: Readonly<Record<string, string>> }
  readonly status: Readonly<Record<string, unknown>>
}
const resource = async (id: string) => (await fixture.api('GET', `${ANALYTICS}/${id}`)).body as unknown as Shown
const manifest = (name: string, fields: object = {}) => ({
  apiVersion: 'eng.cam.ac.uk/v1alpha1',
  kind: 'Analytics',
  metadata: { name },
  spec: { image: 'sim:ok', jobType: 'ondemand', reps: 1, port: null, schedule: null, ...fields },
})
const newName = () => fixture.ports.newId()

describe('an on-demand service', () => {
  test('runs, and is ok when all outputs are stored', async () => {
    const id = await begin()
    expect(await status(fixture.ports, id)).toMatchObject({ status: 'running', phase: 'running', output_files: [] })
    await sayAll(id, 2)
    const state = await swept(id, ({ phase }) => phase === 'succeeded')
    expect(state).toMatchObject({ status: 'ok', succeeded_runs: 2, failed_runs: 0, active_runs: 0, total_runs: 2 })
    expect(state.output_files).toHaveLength(2)
    expect(state.progress).toEqual({ done: 2, of: 2 })
    const rows = await runs(fixture.ports, id)
    expect(rows.map(({ index, attempt, phase, exit_code }) => [index, attempt, phase, exit_code])).toEqual([
      [0, 0, 'succeeded', 0],
      [1, 0, 'succeeded', 0],
    ])
    expect(rows[0]?.run_id.startsWith(id)).toBe(true)
    expect(rows[0]?.log_tail).toContain(`simulated ${rows[0]?.run_id}`)
    expect(Object.keys(await logs(fixture.ports, id))).toEqual(rows.map(({ run_id }) => run_id))
    const { metadata, status: said } = await resource(id)
    expect(said).toMatchObject({ phase: 'Succeeded', counts: { requested: 2, succeeded: 2, failed: 0, active: 0 } })
    expect(metadata.labels).toMatchObject({ 'eng.cam.ac.uk/finished': metadata.uid })
    await once()
    const kinds = fixture.emitted.filter(({ subject }) => subject === id).map(({ type }) => type.split('service.')[1])
    expect(kinds[0]).toBe('launched')
    expect(kinds.at(-1)).toBe('completed')
    expect(kinds.toSorted()).toEqual(
      [
        'completed',
        'launched',
        ...['output.stored', 'run.started', 'run.succeeded'].flatMap((kind) => [kind, kind]),
      ].toSorted(),
    )
  }, 30_000)

  test('fails with the exit code of its run, and the list tells all the same', async () => {
    const id = await begin({ image: 'sim:bad', reps: 1 })
    const state = await swept(id, ({ phase }) => phase === 'failed')
    expect(state).toMatchObject({ status: 'error', failed_runs: 1 })
    expect(state.reason).toMatch(/^1 of 1 runs failed: its process ended with exit code 3/)
    const rows = await list(fixture.ports, { skip: 0, limit: 100 })
    expect(rows.find((row) => row.id === id)).toMatchObject({ image: 'sim', version: 'bad', status: 'error' })
  }, 30_000)

  test('is listed as it is now: one list as long as nothing is written, another with the first change', async () => {
    const page = { skip: 0, limit: 100 }
    const read = () => list(fixture.ports, page)
    await begin({ reps: 1 })
    // Other databases of the server may have written between two reads.
    await expect.poll(async () => new Set([await read(), await read()]).size).toBe(1)
    const before = await read()
    expect(await list(fixture.ports, { skip: 0, limit: 1 })).toEqual(before.slice(0, 1))
    for (const change of ['Job', 'end']) {
      const known = await read()
      const id = await begin({ image: `sim:${change}` })
      const now = await read()
      expect(now).not.toBe(known)
      expect(now.map((row) => row.id)).toEqual([...known.map((row) => row.id), id])
    }
    // A change that another connection has not committed yet is not there, and is when it is.
    const known = await read()
    await fixture.sql.transaction(async (tx) => {
      await tx`update dt.service set reason = 'changed' where id = ${known[0]?.id ?? ''}`
      expect((await read())[0]?.reason).toBe(known[0]?.reason)
    })
    expect((await read())[0]?.reason).toBe('changed')
  }, 30_000)

  test('fails when a run succeeded and said nothing of its outputs', async () => {
    const id = await begin({ reps: 1 })
    await eventually(
      async () => (await fixture.ports.cluster.jobs([id]))[0],
      (job) => job?.ended !== null && job !== undefined,
    )
    await once()
    expect((await status(fixture.ports, id)).phase).toBe('running')
    fixture.advance(20)
    const state = await swept(id, ({ phase }) => phase !== 'running')
    expect(state).toMatchObject({ phase: 'failed', failed_runs: 1 })
    expect(state.reason).toContain('without saying what its outputs are')
  }, 30_000)

  test('fails when its outputs are incomplete', async () => {
    const id = await begin({ reps: 1 })
    await fixture.say(id, { firing: 0, index: 0, attempt: 0 }, 'incomplete', 0)
    const state = await swept(id, ({ phase }) => phase === 'failed')
    expect(state.reason).toContain('its outputs are incomplete: too large')
  }, 30_000)

  test('that has a fan-in waits for it', async () => {
    const id = await begin({ fanIn: { image: 'sim:ok', env: {} } })
    await sayAll(id, 2)
    await fixture.say(id, { firing: 0, index: 2, attempt: 0 }, 'complete')
    const state = await swept(id, ({ phase }) => phase !== 'running')
    expect(state).toMatchObject({ phase: 'succeeded', succeeded_runs: 2, reason: null })
    expect((await runs(fixture.ports, id)).map(({ step }) => step)).toEqual(['replication', 'replication', 'fan-in'])
  }, 30_000)
})

describe('a launch', () => {
  test('that the API server refuses leaves no row', async () => {
    const before = await list(fixture.ports, { skip: 0, limit: 1000 })
    const refused = launch(fixture.ports, { spec: spec({ reps: 101 }), labels: {} })
    await expect(refused).rejects.toMatchObject({
      code: 'refused',
      status: 422,
      detail: expect.stringMatching(/^Exception when creating custom resource: \(422\).*spec\.reps/),
    })
    expect(await list(fixture.ports, { skip: 0, limit: 1000 })).toEqual(before)
    const rows = await fixture.sql.query((sql) => sql`select id from dt.service where phase = 'launching'`)
    expect([...rows]).toEqual([])
  })

  test('whose end is not known is taken back', async () => {
    fixture.setDown(true)
    const lost = launch(fixture.ports, { spec: spec(), labels: {} })
    await expect(lost).rejects.toMatchObject({ code: 'unavailable' })
    fixture.setDown(false)
    const removing = () => fixture.sql.query((sql) => sql`select id from dt.service where phase = 'removing'`)
    expect(await removing()).toHaveLength(1)
    fixture.advance(60)
    await once()
    expect(await removing()).toHaveLength(0)
  })
})

describe('a resource that nobody launched', () => {
  test('is acted on by the next sweep', async () => {
    const name = newName()
    expect((await fixture.api('POST', ANALYTICS, manifest(name))).status).toBe(201)
    await fixture.say(name, { firing: 0, index: 0, attempt: 0 }, 'complete').catch(() => {})
    await once()
    await swept(name, ({ phase }) => phase === 'succeeded')
    expect((await resource(name)).status).toMatchObject({ phase: 'Succeeded' })
  }, 30_000)

  test('is told what is wrong with it, and is not asked again', async () => {
    const name = newName()
    await fixture.api('POST', ANALYTICS, manifest(name, { mountFiles: { a: '../passwd' } }))
    await once()
    const { metadata, status: said } = await resource(name)
    expect(said).toMatchObject({
      phase: 'Failed',
      lastError: expect.stringMatching(/^spec\.mountFiles "a": Input should be a relative path without "\.\."/),
    })
    expect(metadata.labels['eng.cam.ac.uk/finished']).toBe(`${metadata.uid}.1`)
  })

  test('is freed of the finalizer of the former operator', async () => {
    const name = newName()
    const body = manifest(name, { image: 'sim:wait' })
    const finalizers = ['kopf.zalando.org/KopfFinalizerMarker']
    await fixture.api('POST', ANALYTICS, { ...body, metadata: { name, finalizers } })
    await fixture.api('DELETE', `${ANALYTICS}/${name}`)
    expect((await fixture.api('GET', `${ANALYTICS}/${name}`)).status).toBe(200)
    await once()
    expect((await fixture.api('GET', `${ANALYTICS}/${name}`)).status).toBe(404)
  })

  test('that is deleted ends its service, and runs anew when it comes again', async () => {
    const name = newName()
    await fixture.api('POST', ANALYTICS, manifest(name, { image: 'sim:wait' }))
    await swept(name, ({ active_runs }) => active_runs === 1)
    await fixture.api('DELETE', `${ANALYTICS}/${name}?propagationPolicy=Foreground`)
    await eventually(
      () => fixture.api('GET', `${ANALYTICS}/${name}`),
      ({ status: code }) => code === 404,
    )
    await once()
    expect(await status(fixture.ports, name)).toMatchObject({ phase: 'terminated', status: 'error' })
    await fixture.api('POST', ANALYTICS, manifest(name))
    await fixture.say(name, { firing: 1, index: 0, attempt: 0 }, 'complete')
    await swept(name, ({ phase }) => phase === 'succeeded')
  }, 30_000)
})

test('a sweep that cannot read Kubernetes gives back what it claimed, so that the next one looks at it at once', async () => {
  await begin({ image: 'sim:wait' })
  const away = async () => {
    throw new Fault('unavailable', 'the API server is away')
  }
  const { cluster } = fixture.ports
  for (const broken of [{ resources: away }, { pods: away }])
    await expect(sweep({ ...fixture.ports, cluster: { ...cluster, ...broken } }, cache)).rejects.toThrow('is away')
  const claimed = await fixture.sql.query((sql) => sql`select id from dt.service where claimed_until is not null`)
  expect([...claimed]).toEqual([])
})

describe('terminate', () => {
  test('of an unknown service is a 404, and a text that is not an id is one as well', async () => {
    const unknown = serviceIdOf('0123456789ABCDEF01234567')
    await expect(terminate(fixture.ports, unknown)).rejects.toMatchObject({ code: 'not_found' })
    expect(() => serviceIdOf('x')).toThrow(expect.objectContaining({ code: 'not_found' }))
  })

  test('while Kubernetes is away is an error, and the service is there still', async () => {
    const id = await begin({ image: 'sim:wait' })
    fixture.setDown(true)
    await expect(terminate(fixture.ports, id)).rejects.toMatchObject({ code: 'unavailable' })
    fixture.setDown(false)
    expect(await status(fixture.ports, id)).toMatchObject({ phase: 'running' })
    expect(await terminate(fixture.ports, id)).toEqual({ message: 'Service terminated successfully' })
    await expect(terminate(fixture.ports, id)).rejects.toMatchObject({ code: 'not_found' })
    await expect(status(fixture.ports, id)).rejects.toMatchObject({ code: 'not_found' })
  }, 30_000)

  test('leaves nothing, outputs included', async () => {
    const id = await begin()
    await sayAll(id, 2)
    await swept(id, ({ phase }) => phase === 'succeeded')
    await terminate(fixture.ports, id)
    await eventually(
      () => fixture.api('GET', `${ANALYTICS}/${id}`),
      ({ status: code }) => code === 404,
    )
    fixture.advance(60)
    await once()
    const left = await fixture.sql.query(
      (sql) => sql`
        select 'service' from dt.service where id = ${id} union all select 'run' from dt.run where service_id = ${id}
        union all select 'output' from dt.output where service_id = ${id}
        union all select 'set' from dt.output_set where service_id = ${id}`,
    )
    expect([...left]).toEqual([])
    expect(await fixture.ports.cluster.jobs([id])).toEqual([])
  }, 30_000)
})
