/** Inputs and outputs of runs over HTTP: only with the token of the run, and all outputs or none. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Brought, complete, RUN, type RunCalls, runCalls } from './run-calls.ts'
import { type FileWorld, startFileWorld, tokenOf } from './world.ts'

let world: FileWorld
beforeAll(async () => {
  world = await startFileWorld()
})
afterAll(() => world?.stop())

const callers = () => runCalls(world)
const call: RunCalls['call'] = (...parts) => callers().call(...parts)
const put: RunCalls['put'] = (...parts) => callers().put(...parts)
const end: RunCalls['end'] = (...parts) => callers().end(...parts)
const state: RunCalls['state'] = (id) => callers().state(id)
const outputs = (id: string) =>
  world.database.query(
    (sql) => sql<{ seq: number; path: string }[]>`
      select seq, path, run_index from dt.output where service_id = ${id} order by seq`,
  )

describe('inputs', () => {
  test('are listed by content and read, also when the file was deleted; what never was is said', async () => {
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

  test('of a scheduled service follow their file', async () => {
    const { file_id } = (await (await world.upload('in.txt', 'first')).json()) as { file_id: string }
    const id = await world.service({ [file_id]: 'in.txt' }, { scheduled: true })
    await fetch(`${world.url}/files/${file_id}`, { method: 'PUT', body: 'the second' })
    const token = tokenOf(id, { firing: null })
    expect(await (await call('GET', 'inputs', id, undefined, token)).json()).toMatchObject([{ length: 10 }])
  })

  test('of a fan-in are the outputs of the runs as well', async () => {
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
  test('are there all at once, in a stable order, and identical bytes of two runs stay two', async () => {
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

  test('are not complete with other files than were taken', async () => {
    const id = await world.service()
    const file = (await (await put(id, 'a', 'one')).json()) as object
    await put(id, 'b', 'two')
    expect((await end(id, { files: [file] })).status).toBe(409)
    expect((await end(id, { files: [{ ...file, sha256: '0'.repeat(64) }] })).status).toBe(409)
    expect((await end(id, complete([file as Brought]))).status).toBe(409)
    expect(await outputs(id)).toEqual([])
    expect(await state(id)).toMatchObject({ state: 'open', count: 2 })
  })

  test('brought again take the place of what was brought before', async () => {
    const id = await world.service()
    await put(id, 'a', 'one')
    const file = await (await put(id, 'a', 'another')).json()
    expect((await state(id)).files).toEqual([file])
  })

  test('that are given up are none, for good', async () => {
    const id = await world.service()
    const file = await (await put(id, 'a', 'one')).json()
    expect(await (await end(id, { incomplete: 'out of time' })).json()).toEqual({
      state: 'incomplete',
      reason: 'out of time',
      count: 0,
      bytes: 0,
      files: [],
    })
    expect((await put(id, 'a', 'one')).status).toBe(409)
    expect((await end(id, { files: [file] })).status).toBe(409)
  })

  test.each(['..%2Fx', 'a%2F%2E%2E%2Fb', '%2Fetc', 'a%00b', './a'.replace('/', '%2F')])(
    '%s is no path: 422',
    async (path) => {
      expect((await put(await world.service(), path, 'x')).status).toBe(422)
    },
  )
  test.each([{}, { files: [{ path: 'a' }] }, { incomplete: '' }])('%j is no ending: 422', async (body) => {
    expect((await end(await world.service(), body)).status).toBe(422)
  })
  test('an ending that is no JSON: 400', async () => {
    expect((await call('POST', `outputs?${RUN}`, await world.service(), '{')).status).toBe(400)
  })
})

describe('GET /service/{id}/output/{idx}', () => {
  const get = (path: string) => fetch(`${world.url}/service/${path}`)
  const filled = async () => {
    const id = await world.service()
    const files = []
    const contents = { 'a.json': '{ "x": [1, 2.5] }\n', 'b.bin': '\u0000binary', 'c.json': '{"x": NaN}', 'd.txt': '' }
    for (const [path, content] of Object.entries(contents)) files.push(await (await put(id, path, content)).json())
    await end(id, { files })
    return id
  }
  test('is the bytes that it is, and JSON is called so', async () => {
    const id = await filled()
    const answers = []
    for (const idx of [0, 1, 2, 3]) {
      const response = await get(`${id}/output/${idx}`)
      answers.push([response.status, response.headers.get('content-type'), await response.text()])
    }
    const bytes = 'application/octet-stream'
    expect(answers).toEqual([
      [200, 'application/json', '{ "x": [1, 2.5] }\n'],
      [200, bytes, '\u0000binary'],
      [200, bytes, '{"x": NaN}'],
      [200, bytes, ''],
    ])
  })
  test.each([
    '{"seed": 12345678901234567890, "id": 9007199254740993, "mean": 1.0, "p": 1e400, "tiny": -0.0, "dup": 1, "dup": 2}',
    '\r\n"\\ud800"\t',
    '[ ]',
  ])('JSON comes back to the byte: %j', async (content) => {
    const id = await world.service()
    await end(id, complete([(await (await put(id, 'a.json', content)).json()) as Brought]))
    const response = await get(`${id}/output/0`)
    expect([response.headers.get('content-type'), await response.text()]).toEqual(['application/json', content])
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(content)))
    expect(response.headers.get('content-disposition')).toBeNull()
  })

  test.each(['4', '-1', '99999999999'])('place %s: 404', async (idx) => {
    const response = await get(`${await filled()}/output/${idx}`)
    expect([response.status, await response.json()]).toEqual([404, { detail: 'Output file not found' }])
  })
  test('a file that was deleted: 404, and the others keep their places', async () => {
    const id = await filled()
    const [row] = await world.database.query(
      (sql) => sql<{ file: string }[]>`select file_id as file from dt.output where service_id = ${id} and seq = 0`,
    )
    await fetch(`${world.url}/files/${row?.file}`, { method: 'DELETE' })
    expect((await get(`${id}/output/0`)).status).toBe(404)
    expect(await (await get(`${id}/output/1`)).text()).toBe('\u0000binary')
  })
  test.each(['nonsense', 'f'.repeat(24)])('service %s: 404', async (id) => {
    const response = await get(`${id}/output/0`)
    expect([response.status, await response.json()]).toEqual([404, { detail: 'Service not found in database' }])
  })
  test('a place that is no number: 422', async () => expect((await get(`${await filled()}/output/x`)).status).toBe(422))
})

test('inputs come in pages; who asks for all gets all, and no part of too many', async () => {
  const id = await world.service()
  await world.database.query(
    (sql) => sql`
      insert into dt.mount (service_id, name, file_id, follows)
      select ${id}, 'input ' || n, ${'0'.repeat(24)}, false from generate_series(1, 10001) n`,
  )
  const page = (await (await call('GET', 'inputs?limit=1000&after=input%209', id)).json()) as { name: string }[]
  expect([page.length, page[0]?.name]).toEqual([1000, 'input 90'])
  expect((await call('GET', 'inputs', id)).status).toBe(413)
  await world.database.query((sql) => sql`delete from dt.mount where service_id = ${id} and name = 'input 1'`)
  expect(await (await call('GET', 'inputs', id)).json()).toHaveLength(10_000)
})
