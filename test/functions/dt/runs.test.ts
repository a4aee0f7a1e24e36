/** What runs take and leave over HTTP: with the token of their service, of no other, all at once or not at all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FileWorld, startFileWorld, tokenOf } from './world.ts'

let world: FileWorld
beforeAll(async () => {
  world = await startFileWorld()
})
afterAll(() => world?.stop())

const RUN = 'firing=0&index=0&attempt=0'
const call = (method: string, path: string, id: string, body?: string, token = tokenOf(id)) =>
  fetch(`${world.url}/run/${id}/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body }),
  })
const put = (id: string, path: string, body: string, run = RUN) => call('PUT', `outputs/${path}?${run}`, id, body)
const state = async (id: string, run = RUN) =>
  (await call('GET', `outputs?${run}`, id)).json() as Promise<{ state: string; files: object[] }>
const end = (id: string, value: object, run = RUN) => call('POST', `outputs?${run}`, id, JSON.stringify(value))
const outputs = (id: string) =>
  world.database.query(
    (sql) => sql<{ seq: number; path: string }[]>`
      select seq, path, run_index from dt.output where service_id = ${id} order by seq`,
  )

describe('inputs', () => {
  it('are listed by content and read, also when the file was deleted; what never was is said', async () => {
    const { file_id } = (await (await world.upload('in.txt', 'an input')).json()) as { file_id: string }
    const id = await world.service({ [file_id]: 'data/in.txt', ['0'.repeat(24)]: 'missing.txt' })
    await fetch(`${world.url}/files/${file_id}`, { method: 'DELETE' })
    const list = (await (await call('GET', 'inputs', id)).json()) as { name: string; sha256: string }[]
    expect(list).toEqual([
      { name: 'data/in.txt', file_id, sha256: expect.stringMatching(/^[0-9a-f]{64}$/), length: 8 },
      { name: 'missing.txt', file_id: '0'.repeat(24), sha256: null, length: null },
    ])
    expect(await (await call('GET', `inputs/${list[0]?.sha256}`, id)).text()).toBe('an input')
    const other = await world.service()
    expect((await call('GET', `inputs/${list[0]?.sha256}`, other)).status).toBe(404)
  })

  it('of a scheduled service follow their file', async () => {
    const { file_id } = (await (await world.upload('in.txt', 'first')).json()) as { file_id: string }
    const id = await world.service({ [file_id]: 'in.txt' }, true)
    await fetch(`${world.url}/files/${file_id}`, { method: 'PUT', body: 'the second' })
    expect(await (await call('GET', 'inputs', id)).json()).toMatchObject([{ length: 10 }])
  })

  it('of a fan-in are the outputs of the runs as well', async () => {
    const id = await world.service()
    const file = await (await put(id, 'a/result.json', '{}')).json()
    await end(id, { files: [file] })
    expect(await (await call('GET', 'inputs?step=fan-in&firing=0', id)).json()).toMatchObject([
      { name: 'outputs/0/a/result.json', length: 2 },
    ])
    expect(await (await call('GET', 'inputs', id)).json()).toEqual([])
  })
})

describe('outputs', () => {
  it('are there all at once, in a stable order, and identical bytes of two runs stay two', async () => {
    const id = await world.service()
    for (const index of [1, 0]) {
      const run = `firing=0&index=${index}&attempt=0`
      const files = []
      for (const path of ['b.json', 'a/x.bin']) files.push(await (await put(id, path, 'same', run)).json())
      expect(await outputs(id)).toHaveLength(index === 1 ? 0 : 2)
      expect((await end(id, { files, notes: ['a note'] }, run)).status).toBe(200)
      expect(await (await end(id, { files }, run)).json()).toMatchObject({ state: 'complete' })
    }
    expect(await outputs(id)).toMatchObject([
      { seq: 0, path: 'a/x.bin', run_index: 1 },
      { seq: 1, path: 'b.json', run_index: 1 },
      { seq: 2, path: 'a/x.bin', run_index: 0 },
      { seq: 3, path: 'b.json', run_index: 0 },
    ])
  })

  it('are not complete with other files than were taken', async () => {
    const id = await world.service()
    const file = (await (await put(id, 'a', 'one')).json()) as object
    await put(id, 'b', 'two')
    expect((await end(id, { files: [file] })).status).toBe(409)
    expect((await end(id, { files: [{ ...file, sha256: '0'.repeat(64) }] })).status).toBe(409)
    expect(await outputs(id)).toEqual([])
    expect(await state(id)).toMatchObject({ state: 'open' })
  })

  it('brought again take the place of what was brought before', async () => {
    const id = await world.service()
    await put(id, 'a', 'one')
    const file = await (await put(id, 'a', 'another')).json()
    expect((await state(id)).files).toEqual([file])
  })

  it('that are given up are none, for good', async () => {
    const id = await world.service()
    const file = await (await put(id, 'a', 'one')).json()
    expect(await (await end(id, { incomplete: 'out of time' })).json()).toEqual({
      state: 'incomplete',
      reason: 'out of time',
      files: [],
    })
    expect((await put(id, 'a', 'one')).status).toBe(409)
    expect((await end(id, { files: [file] })).status).toBe(409)
  })

  it.each(['..%2Fx', 'a%2F%2E%2E%2Fb', '%2Fetc', 'a%00b', './a'.replace('/', '%2F')])(
    '%s is no path: 422',
    async (path) => {
      expect((await put(await world.service(), path, 'x')).status).toBe(422)
    },
  )
  it.each([{}, { files: [{ path: 'a' }] }, { incomplete: '' }])('%j is no ending: 422', async (body) => {
    expect((await end(await world.service(), body)).status).toBe(422)
  })
  it('an ending that is no JSON: 400', async () => {
    expect((await call('POST', `outputs?${RUN}`, await world.service(), '{')).status).toBe(400)
  })
})

describe('a token', () => {
  it.each([
    ['GET', 'inputs'],
    ['GET', `inputs/${'0'.repeat(64)}`],
    ['GET', `outputs?${RUN}`],
    ['PUT', `outputs/a?${RUN}`],
    ['POST', `outputs?${RUN}`],
  ])('%s %s: without 401, of another service 403, of one that is gone 404', async (method, path) => {
    const [a, b] = [await world.service(), await world.service()]
    const body = method === 'GET' ? undefined : '{"files":[]}'
    expect((await call(method, path, a, body, 'nonsense')).status).toBe(401)
    expect((await fetch(`${world.url}/run/${a}/${path}`, { method, ...(body && { body }) })).status).toBe(401)
    expect((await call(method, path, a, body, tokenOf(b))).status).toBe(403)
    expect((await call(method, path, 'f'.repeat(24), body)).status).toBe(404)
  })
})

describe('an output by its place', () => {
  const output = (id: string, place: number | string) => fetch(`${world.url}/service/${id}/output/${place}`)
  const left = async (contents: readonly string[]) => {
    const id = await world.service()
    for (const [index, content] of contents.entries()) {
      const run = `firing=0&index=${index}&attempt=0`
      await end(id, { files: [await (await put(id, 'result.json', content, run)).json()] }, run)
    }
    return id
  }

  it.each<[string, string | number, number, string]>([
    ['the first', 0, 200, '{"a":[1,2]}'],
    ['the last, counted from the end', -1, 200, 'no JSON'],
    ['the first, counted from the end', -3, 200, '{"a":[1,2]}'],
    ['one that no JSON reader takes, as it is', 1, 200, '{"a": NaN}'],
    ['none behind the last', 3, 404, '{"detail":"Output file not found"}'],
    ['none before the first', -4, 404, '{"detail":"Output file not found"}'],
  ])('%s', async (_, place, status, body) => {
    const id = await left(['{ "a": [1, 2] }', '{"a": NaN}', 'no JSON'])
    const answer = await output(id, place)
    expect([answer.status, await answer.text()]).toEqual([status, body])
    const isJson = body.startsWith('{') && !body.includes('NaN')
    expect(answer.headers.get('content-type')).toContain(isJson ? 'application/json' : 'application/octet-stream')
  })

  it('of a service that is not there, or whose file was deleted, or at no place', async () => {
    for (const id of ['669a52d1364a1b751c550d56', 'no-id']) {
      const answer = await output(id, 0)
      expect([answer.status, await answer.json()]).toEqual([404, { detail: 'Service not found in database' }])
    }
    const id = await left(['{}'])
    expect((await output(id, 'x')).status).toBe(422)
    const [row] = await world.database.query(
      (sql) => sql<{ file: string }[]>`select file_id as file from dt.output where service_id = ${id}`,
    )
    await fetch(`${world.url}/files/${row?.file}`, { method: 'DELETE' })
    expect((await output(id, 0)).status).toBe(404)
  })
})
