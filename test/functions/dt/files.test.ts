/** Files over HTTP, each row of the contract, on the real functions and a real PostgreSQL. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noise } from '../../conformance/files/blob-subject.ts'
import { type FileWorld, PREFIX, startFileWorld } from './world.ts'

let world: FileWorld
beforeAll(async () => {
  world = await startFileWorld({ FILE_MAX_MIB: '4' })
})
afterAll(() => world?.stop())

const UNKNOWN = '669a4eee364a1b751c550b02'
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')

async function stored(filename: string, bytes: Uint8Array | string): Promise<string> {
  const { file_id } = (await (await world.upload(filename, bytes)).json()) as { file_id: string }
  return file_id
}
const get = (path: string, init: RequestInit = {}) => fetch(world.url + path, { redirect: 'manual', ...init })
const said = async (response: Response) => [response.status, await response.json()]

describe('POST /files/upload', () => {
  test('stores, and says with the same bytes that they are there: first id, new name; the row keeps the first', async () => {
    const first = (await (await world.upload('input.xlsx', 'a sheet')).json()) as { file_id: string }
    expect(first).toEqual({ file_id: expect.stringMatching(/^[0-9a-f]{24}$/), filename: 'input.xlsx' })
    expect(await said(await world.upload('other.xlsx', 'a sheet'))).toEqual([
      200,
      { file_id: first.file_id, filename: 'other.xlsx', message: 'File already exists' },
    ])
    const rows = (await (await get('/files?limit=1000')).json()) as { file_id: string }[]
    expect(rows.find(({ file_id }) => file_id === first.file_id)).toEqual({
      file_id: first.file_id,
      filename: 'input.xlsx',
      length: 7,
      uploadDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}000)?$/),
      metadata: { hash: md5(Buffer.from('a sheet')) },
    })
  })

  test('twenty at once with the same bytes are one file and one content', async () => {
    const bytes = noise(1_500_000)
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => (await world.upload(`${n}.bin`, bytes)).json()),
    )
    expect(new Set(answers.map((answer) => (answer as { file_id: string }).file_id)).size).toBe(1)
    expect(answers.filter((answer) => !(answer as { message?: string }).message)).toHaveLength(1)
    const [count] = await world.database.query(
      (sql) => sql<{ contents: number; chunks: number }[]>`
        select count(*)::integer as contents, (
          select sum(octet_length(data))::integer from dt.chunk where body in (
            select body from dt.content where length = ${bytes.length})) as chunks
        from dt.content where length = ${bytes.length}`,
    )
    expect(count).toEqual({ contents: 1, chunks: bytes.length })
  })

  test.each([
    ['no file', () => new FormData(), 'missing'],
    ['a text in its place', () => Object.assign(new FormData(), {}), 'missing'],
  ])('%s: 422', async (_, form, type) => {
    const body = form()
    const response = await get('/files/upload', { method: 'POST', body })
    expect(await said(response)).toEqual([422, { detail: [expect.objectContaining({ type, loc: ['body', 'file'] })] }])
  })
  test('a text field called file: 422', async () => {
    const form = new FormData()
    form.set('file', 'no file')
    expect((await get('/files/upload', { method: 'POST', body: form })).status).toBe(422)
  })
  test('a body that is no form: 422', async () =>
    expect((await get('/files/upload', { method: 'POST', body: 'x' })).status).toBe(422))
  const LONGEST = '名'.repeat(251)
  test.each([
    ['256 characters', `${LONGEST}.xlsx`, 422],
    ['20,000 characters', 'n'.repeat(20_000), 422],
    ['255 characters', `${LONGEST}.csv`, 200],
    ['255 characters outside of the basic plane', '\u{1F600}'.repeat(255), 200],
  ])('a name of %s: %#: %s', async (_, filename, status) => {
    const sent = await world.upload(filename, filename)
    const answer = (await sent.json()) as { file_id: string; detail: unknown }
    expect(sent.status).toBe(status)
    const form = new FormData()
    form.set('file', new Blob(['other']), filename)
    const id = await stored('short.csv', `short ${filename}`)
    const replaced = await get(`/files/${id}`, { method: 'PUT', body: form })
    expect(replaced.status).toBe(status)
    if (status === 422) {
      const msg = 'Value error, expected a filename of at most 255 characters'
      expect(answer.detail).toEqual([{ type: 'value_error', loc: ['body', 'file'], msg, input: null }])
      return
    }
    const fetched = await get(`/files/${answer.file_id}`)
    expect([fetched.status, await fetched.text()]).toEqual([200, filename])
    expect(fetched.headers.get('content-disposition')?.length).toBeLessThan(4000)
  })
  test('the name of a client that knows no UTF-8', async () => {
    const head = Buffer.from(
      '--edge\r\nContent-Disposition: form-data; name="file"; filename="Gr\xf6\xdfe.csv"\r\n\r\n',
      'latin1',
    )
    const body = Buffer.concat([head, Buffer.from('of Windows\r\n--edge--\r\n')])
    const headers = { 'content-type': 'multipart/form-data; boundary=edge' }
    const response = await get('/files/upload', { method: 'POST', body, headers })
    expect(await said(response)).toEqual([200, { file_id: expect.any(String), filename: 'Größe.csv' }])
  })
  test('a file that is too large: 413, and nothing of it stays', async () => {
    const before = await get('/files?limit=1000').then((response) => response.json())
    expect((await world.upload('large', new Uint8Array(4 * 1024 * 1024 + 1))).status).toBe(413)
    expect(await get('/files?limit=1000').then((response) => response.json())).toEqual(before)
  })
})

describe('GET, HEAD /files/{id}', () => {
  const bytes = noise(1_200_000)
  let id: string
  beforeAll(async () => {
    id = await stored('résumé 1.bin', bytes)
  })

  test.each(['', PREFIX])('with the prefix "%s": all bytes, and headers that describe them', async (prefix) => {
    const response = await get(`${prefix}/files/${id}`)
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(bytes.length),
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[0-9a-f]{64}"$/),
      'content-disposition': `attachment; filename="r_sum_ 1.bin"; filename*=UTF-8''r%C3%A9sum%C3%A9%201.bin`,
    })
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
  })
  test('HEAD: the same headers and no bytes', async () => {
    const response = await get(`/files/${id}`, { method: 'HEAD' })
    expect([response.status, response.headers.get('content-length')]).toEqual([200, String(bytes.length)])
    expect((await response.arrayBuffer()).byteLength).toBe(0)
  })
  test.each([
    ['bytes=0-9', 0, 9],
    ['bytes=524280-524300', 524_280, 524_300],
    ['bytes=-5', 1_199_995, 1_199_999],
    ['bytes=1199990-', 1_199_990, 1_199_999],
  ])('%s: 206', async (range, from, to) => {
    const response = await get(`/files/${id}`, { headers: { range } })
    expect([response.status, response.headers.get('content-range')]).toEqual([206, `bytes ${from}-${to}/1200000`])
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes.subarray(from, to + 1))).toBe(true)
  })
  test('beyond its end: 416', async () => {
    const response = await get(`/files/${id}`, { headers: { range: 'bytes=1200000-' } })
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */1200000'])
  })
  test('the ETag that a caller has: 304', async () => {
    const etag = (await get(`/files/${id}`, { method: 'HEAD' })).headers.get('etag') ?? ''
    expect((await get(`/files/${id}`, { headers: { 'if-none-match': etag } })).status).toBe(304)
  })
  test('an empty file', async () => {
    const response = await get(`/files/${await stored('empty', '')}`)
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '0', ''])
  })
  test.each(['GET', 'DELETE', 'PUT'])('%s of an unknown id, and of what is none: 404', async (method) => {
    for (const name of [UNKNOWN, 'nonsense', '%00'])
      expect(await said(await get(`/files/${name}`, { method, ...(method === 'PUT' && { body: 'x' }) }))).toEqual([
        404,
        { detail: expect.stringMatching(/^File not found: /) },
      ])
  })
})

describe('PUT /files/{id}', () => {
  test('gives it other bytes, and another name where there is one', async () => {
    const id = await stored('a.txt', 'before')
    expect(await said(await get(`/files/${id}`, { method: 'PUT', body: 'after' }))).toEqual([
      200,
      { file_id: id, filename: 'a.txt' },
    ])
    const form = new FormData()
    form.set('file', new Blob(['again']), 'b.txt')
    expect(await said(await get(`/files/${id}`, { method: 'PUT', body: form }))).toEqual([
      200,
      { file_id: id, filename: 'b.txt' },
    ])
    expect(await (await get(`/files/${id}`)).text()).toBe('again')
  })
})

describe.each(['PUT', 'DELETE'])('%s /files/{id} with If-Match', (method) => {
  const tagOf = async (id: string) => (await get(`/files/${id}`, { method: 'HEAD' })).headers.get('etag') ?? ''
  const change = (id: string, ifMatch: string) =>
    get(`/files/${id}`, {
      method,
      headers: { 'if-match': ifMatch },
      ...(method === 'PUT' && { body: `${id} changed` }),
    })

  test.each<[name: string, headerOf: (tag: string) => string, status: number]>([
    ['the tag it has', (tag) => tag, 200],
    ['a list with it', (tag) => `"other", ${tag}`, 200],
    ['whatever is there', () => '*', 200],
    ['another tag', () => '"other"', 412],
    ['a weak one, which is equal to none', (tag) => `W/${tag}`, 412],
    ['nonsense', () => 'nonsense', 412],
  ])('%s: %#', async (name, headerOf, status) => {
    const content = `${method} ${name}`
    const id = await stored('guarded.txt', content)
    const response = await change(id, headerOf(await tagOf(id)))
    expect(response.status).toBe(status)
    if (status === 412) {
      expect(await response.json()).toEqual({ detail: 'The file has changed since it was read' })
      expect(await (await get(`/files/${id}`)).text()).toBe(content)
    }
  })
  test.each(['*', '"other"'])('%s of a file that is not there: 404', async (ifMatch) =>
    expect((await change(UNKNOWN, ifMatch)).status).toBe(404),
  )
})

describe('DELETE /files/{id}', () => {
  test('takes the name away, once', async () => {
    const id = await stored('gone', 'to be gone')
    expect(await said(await get(`/files/${id}`, { method: 'DELETE' }))).toEqual([
      200,
      { message: 'File deleted successfully' },
    ])
    expect((await get(`/files/${id}`, { method: 'DELETE' })).status).toBe(404)
  })
  test('of a file that a service has keeps its content for the service', async () => {
    const id = await stored('kept', 'kept for a service')
    await world.service({ [id]: 'input.txt' })
    expect((await get(`/files/${id}`, { method: 'DELETE' })).status).toBe(200)
    const rows = await world.database.query(
      (sql) => sql`select from dt.content join dt.mount using (body) where file_id = ${id}`,
    )
    expect(rows).toHaveLength(1)
  })
})

describe('paths', () => {
  test.each([
    ['/files/', '/files'],
    ['/files/?skip=1&limit=2', '/files?skip=1&limit=2'],
    [`${PREFIX}/files/`, `${PREFIX}/files`],
    [`${PREFIX}/files/${UNKNOWN}/`, `${PREFIX}/files/${UNKNOWN}`],
  ])('%s → %s', async (path, location) => {
    const response = await get(path)
    expect([response.status, response.headers.get('location')]).toEqual([307, location])
  })
  test('another method: 405', async () => {
    expect(await said(await get('/files', { method: 'PUT' }))).toEqual([405, { detail: 'Method Not Allowed' }])
    expect((await get(`/files/${UNKNOWN}`, { method: 'PATCH' })).status).toBe(405)
  })
  test.each([
    [`/files/${UNKNOWN}`, 'GET, HEAD, PUT, DELETE, OPTIONS'],
    ['/files/upload', 'POST, OPTIONS'],
    ['/files', 'GET, OPTIONS'],
  ])('%s: a preflight is answered with the methods of all functions that have this path', async (path, allow) => {
    const headers = { origin: 'http://localhost:3000', 'access-control-request-method': 'PUT' }
    const response = await get(path, { method: 'OPTIONS', headers })
    expect([response.status, response.headers.get('allow')]).toEqual([204, allow])
    expect(response.headers.get('access-control-allow-methods')).toBe(allow.replace(', OPTIONS', ''))
  })
  test('an unknown path: 404', async () =>
    expect(await said(await get('/filez'))).toEqual([404, { detail: 'Not Found' }]))
  const WHOLE = 'Input should be a valid integer'
  test.each([
    ['skip=-1', 'Input should be at least 0'],
    ['limit=0', 'Input should be at least 1'],
    ['limit=1001', 'Input should be at most 1000'],
    ['limit=9007199254740991', 'Input should be at most 1000'],
    ['limit=x', WHOLE],
    ['limit=', WHOLE],
    ['limit=0x10', WHOLE],
    ['skip=1.5', WHOLE],
  ])('?%s: 422, %s', async (query, msg) => {
    const [name = ''] = query.split('=')
    expect(await said(await get(`/files?${query}`))).toEqual([
      422,
      { detail: [expect.objectContaining({ loc: ['query', name], msg })] },
    ])
  })
  test('ten files unless more are asked for', async () => {
    for (let n = 0; n < 12; n += 1) await stored(`${n}`, `file ${n}`)
    expect(await (await get('/files')).json()).toHaveLength(10)
    expect(await (await get('/files?skip=1&limit=3')).json()).toHaveLength(3)
  })
})
