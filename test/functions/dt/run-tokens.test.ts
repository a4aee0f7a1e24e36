/** The requests that the token of a run allows. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Brought, complete, RUN, type RunCalls, runCalls } from './run-calls.ts'
import { type FileWorld, KEY, startFileWorld, tokenOf } from './world.ts'

let world: FileWorld
beforeAll(async () => {
  world = await startFileWorld()
})
afterAll(() => world?.stop())

const callers = () => runCalls(world)
const call: RunCalls['call'] = (...parts) => callers().call(...parts)
const put: RunCalls['put'] = (...parts) => callers().put(...parts)
const end: RunCalls['end'] = (...parts) => callers().end(...parts)

/** What the loop records of a run. */
const recorded = (id: string, firing: number, index: number, attempt: number, phase: string) =>
  world.database.query(
    (sql) => sql`
      insert into dt.run (service_id, firing, run_index, attempt, pod, phase, ended_at)
      values (${id}, ${firing}, ${index}, ${attempt}, 'a-pod', ${phase},
        ${['succeeded', 'failed'].includes(phase) ? new Date() : null})`,
  )
const moved = (id: string, phase: string) =>
  world.database.query((sql) => sql`update dt.service set phase = ${phase}, ended_at = now() where id = ${id}`)
const MINUTE_MS = 60_000
const minute = (offset = 0) => Math.floor(Date.now() / MINUTE_MS) + offset

describe('a token', () => {
  test.each([
    ['GET', 'inputs'],
    ['GET', `inputs/${'0'.repeat(64)}`],
    ['GET', `outputs?${RUN}`],
    ['PUT', `outputs/a?${RUN}`],
    ['POST', `outputs?${RUN}`],
  ])(
    '%s %s: without 401, of another service 403, of one that is gone 404, of a former one of its name 403, after its end 409',
    async (method, path) => {
      const [a, b] = [await world.service(), await world.service()]
      const body = method === 'GET' ? undefined : '{"files":[]}'
      expect((await call(method, path, a, body, 'nonsense')).status).toBe(401)
      expect((await fetch(`${world.url}/run/${a}/${path}`, { method, ...(body && { body }) })).status).toBe(401)
      expect((await call(method, path, a, body, tokenOf(b))).status).toBe(403)
      expect((await call(method, path, 'f'.repeat(24), body)).status).toBe(404)
      expect((await call(method, path, a, body, tokenOf(a, { uid: 'uid-of-a-former-one' }))).status).toBe(403)
      for (const phase of ['succeeded', 'failed', 'terminated']) {
        await moved(a, phase)
        const response = await call(method, path, a, body)
        expect([response.status, await response.json()]).toEqual([409, { detail: 'The service has ended' }])
      }
    },
  )

  const asked = (id: string, run: string, token: string) => call('PUT', `outputs/a?${run}`, id, 'forged', token)

  test.each([
    ['another index', 'firing=0&index=77&attempt=0'],
    ['another firing', 'firing=1&index=0&attempt=0'],
    ['an attempt that will never be', 'firing=0&index=0&attempt=3'],
    ['all of these', 'firing=5&index=77&attempt=99'],
  ])('leaves nothing for %s: 403', async (_, run) => {
    const id = await world.service()
    const response = await asked(id, run, tokenOf(id))
    expect([response.status, await response.json()]).toEqual([403, { detail: 'The token is not one of this run' }])
    expect(await world.database.query((sql) => sql`select from dt.output_set where service_id = ${id}`)).toHaveLength(0)
  })

  test('leaves nothing for a run that is over, and may repeat its end: 409', async () => {
    const id = await world.service()
    const files = [(await (await put(id, 'a', 'one')).json()) as Brought]
    await end(id, complete(files))
    await recorded(id, 0, 0, 0, 'succeeded')
    expect((await put(id, 'b', 'two')).status).toBe(409)
    expect(await (await end(id, complete(files))).json()).toMatchObject({ state: 'complete', count: 1 })
    await recorded(id, 0, 1, 0, 'failed')
    expect((await put(id, 'a', 'one', 'firing=0&index=1&attempt=0')).status).toBe(409)
    expect((await put(id, 'a', 'one', 'firing=0&index=1&attempt=1')).status).toBe(200)
  })

  test.each([
    ['a run that succeeded', 'succeeded', 0, 409],
    ['one that failed for the last time', 'failed', 2, 409],
    ['one that is tried again', 'failed', 1, 200],
    ['one that runs', 'running', 0, 200],
  ])('of %s: inputs', async (_, phase, attempt, status) => {
    const id = await world.service()
    await recorded(id, 0, 0, attempt, phase)
    expect((await call('GET', 'inputs', id)).status).toBe(status)
  })

  test('of a replication reads no output of others, that of a fan-in those of its firing', async () => {
    const id = await world.service()
    const file = (await (await put(id, 'a', 'secret of the others')).json()) as Brought
    await end(id, complete([file]))
    const content = `inputs/${file.sha256}?step=fan-in&firing=0`
    const fanIn = tokenOf(id, { step: 'fan-in', index: 3 })
    expect((await call('GET', content, id, undefined, fanIn)).status).toBe(200)
    expect((await call('GET', content, id, undefined, tokenOf(id, { index: 1 }))).status).toBe(404)
    for (const path of ['inputs?step=fan-in', 'inputs?step=fan-in&firing=1'])
      expect((await call('GET', path, id, undefined, tokenOf(id, { index: 1 }))).status).toBe(403)
    expect((await call('GET', 'inputs', id, undefined, fanIn)).status).toBe(403)
  })

  test.each([
    ['the minute it began in', 0, 200],
    ['one that is over', -10, 409],
    ['one to come', 10, 409],
    ['none', -minute(), 409],
  ])('of a scheduled service: a firing of %s that is not recorded', async (_, offset, status) => {
    const id = await world.service({}, { scheduled: true, firing: minute(-10) })
    const run = `firing=${minute(offset)}&index=0&attempt=0`
    expect((await asked(id, run, tokenOf(id, { firing: null }))).status).toBe(status)
  })

  test('of a scheduled service: a firing that is recorded, as long as it is not over', async () => {
    const id = await world.service({}, { scheduled: true, firing: minute() })
    const [token, run] = [tokenOf(id, { firing: null }), `firing=${minute(-9)}&index=0&attempt=0`]
    expect((await asked(id, run, token)).status).toBe(409)
    await recorded(id, minute(-9), 0, 0, 'finishing')
    expect((await asked(id, run, token)).status).toBe(200)
  })
})

describe('a token of the version before', () => {
  const former = (id: string) => `${id}.${createHmac('sha256', KEY).update(`dt.service:${id}`).digest('base64url')}`
  const upgraded = (until: string) =>
    world.database.query(async (sql) => {
      await sql`delete from dt.former_token`
      await sql`insert into dt.former_token (until) values (now() + ${until}::interval)`
    })

  test('is good for services that were there before, as long as they are live', async () => {
    await upgraded('1 minute')
    const { file_id } = (await (await world.upload('in.txt', 'an input')).json()) as { file_id: string }
    const id = await world.service({ [file_id]: 'in.txt' })
    const token = former(id)
    const [input] = (await (await call('GET', 'inputs', id, undefined, token)).json()) as Brought[]
    expect(await (await call('GET', `inputs/${input?.sha256}`, id, undefined, token)).text()).toBe('an input')
    const run = 'firing=0&index=2&attempt=1'
    const file = await (await call('PUT', `outputs/a?${run}`, id, 'one', token)).json()
    const ended = await call('POST', `outputs?${run}`, id, JSON.stringify({ files: [file], notes: [] }), token)
    expect(await ended.json()).toMatchObject({ state: 'complete' })
    for (const other of ['firing=0&index=4&attempt=0', 'firing=0&index=0&attempt=21'])
      expect((await call('PUT', `outputs/a?${other}`, id, 'one', token)).status).toBe(403)
    expect((await call('PUT', 'outputs/a?firing=1&index=0&attempt=0', id, 'one', token)).status).toBe(409)
    await moved(id, 'failed')
    expect((await call('GET', 'inputs', id, undefined, token)).status).toBe(409)
  })

  test('is refused for services that came later: 403', async () => {
    await upgraded('-1 minute')
    const id = await world.service()
    expect((await call('GET', 'inputs', id, undefined, former(id))).status).toBe(403)
  })
})
