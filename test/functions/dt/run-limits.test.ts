/** The limits of a run's outputs, with small settings. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Brought, RUN, type RunCalls, runCalls } from './run-calls.ts'
import { type FileWorld, startFileWorld, tokenOf } from './world.ts'

const SETTINGS = {
  DT_OUTPUT_LIMIT: '1k',
  DT_OUTPUT_FILES: '3',
  DT_OUTPUT_PATH_BYTES: '20',
  DT_SERVICE_OUTPUT_LIMIT: '1500',
  DT_SERVICE_OUTPUT_FILES: '4',
}

let world: FileWorld
beforeAll(async () => {
  world = await startFileWorld(SETTINGS)
})
afterAll(() => world?.stop())

const callers = () => runCalls(world)
const call: RunCalls['call'] = (...parts) => callers().call(...parts)
const put: RunCalls['put'] = (...parts) => callers().put(...parts)
const end: RunCalls['end'] = (...parts) => callers().end(...parts)

const RUN_1 = RUN.replace('index=0', 'index=1')
test.each<[string, [path: string, bytes: number, run: string][], string]>([
  ['a file', [['a', 1001, RUN]], 'The outputs of a run may have 1000 bytes (DT_OUTPUT_LIMIT), not 1001'],
  [
    'files',
    [
      ['a', 600, RUN],
      ['b', 401, RUN],
    ],
    'The outputs of a run may have 1000 bytes (DT_OUTPUT_LIMIT), not 1001',
  ],
  [
    'many',
    [
      ['a', 0, RUN],
      ['b', 0, RUN],
      ['c', 0, RUN],
      ['d', 0, RUN],
    ],
    'A run may leave 3 files (DT_OUTPUT_FILES), not 4',
  ],
  ['a path', [['ä'.repeat(11), 0, RUN]], 'The path of an output may have 20 bytes (DT_OUTPUT_PATH_BYTES), not 22'],
  [
    'those of two runs',
    [
      ['a', 800, RUN],
      ['a', 701, RUN_1],
    ],
    'The outputs of a service may have 1500 bytes (DT_SERVICE_OUTPUT_LIMIT), not 1501',
  ],
  [
    'many of two runs',
    [
      ['a', 0, RUN],
      ['b', 0, RUN],
      ['c', 0, RUN],
      ['a', 0, RUN_1],
      ['b', 0, RUN_1],
    ],
    'The runs of a service may leave 4 files (DT_SERVICE_OUTPUT_FILES), not 5',
  ],
])('%s: 413 that names the limit, and what fits stays', async (_, files, detail) => {
  const id = await world.service()
  const answers = []
  for (const [path, bytes, run] of files) {
    const response = await put(id, encodeURIComponent(path), 'x'.repeat(bytes), run)
    answers.push([response.status, await response.json()])
  }
  expect(answers.pop()).toEqual([413, { detail }])
  for (const [status] of answers) expect(status).toBe(200)
})

test('bytes are counted as they come, whatever was announced', async () => {
  const id = await world.service()
  async function* endless() {
    for (let n = 0; n < 100; n += 1) yield Buffer.alloc(100)
  }
  const response = await fetch(`${world.url}/run/${id}/outputs/a?${RUN}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${tokenOf(id)}` },
    body: endless() as never,
    duplex: 'half',
  } as RequestInit)
  expect(response.status).toBe(413)
  const set = await callers().state(id)
  expect(set).toMatchObject({ state: 'open', count: 0, bytes: 0 })
})

test('a file brought again under its path is not counted twice', async () => {
  const id = await world.service()
  for (const bytes of [600, 900, 1000, 1]) {
    const response = await put(id, 'a', 'x'.repeat(bytes))
    expect(response.status).toBe(200)
  }
})

test('another name of a file counts as the file does, and needs none of its bytes', async () => {
  const id = await world.service()
  const { sha256 } = (await (await put(id, 'a', 'x'.repeat(400))).json()) as Brought
  const named = (path: string, hash: string) => call('PUT', `outputs/${path}?${RUN}&sha256=${hash}`, id)
  expect(await (await named('b', sha256)).json()).toEqual({ path: 'b', sha256 })
  expect((await named('c', sha256)).status).toBe(413)
  expect((await named('c', '0'.repeat(64))).status).toBe(409)
  expect((await named('c', 'x')).status).toBe(422)
  expect(await callers().state(id)).toMatchObject({ count: 2, bytes: 800 })
})

test('an end above 2 MiB is not read: 413', async () => {
  const id = await world.service()
  const notes = Array(1000).fill('x'.repeat(2200))
  expect((await end(id, { files: [], notes })).status).toBe(413)
})

test('an end that speaks of more files than there may be is refused before an id is made: 413', async () => {
  const id = await world.service()
  const said = { complete: { files: Number.MAX_SAFE_INTEGER, bytes: 0, sha256: '0'.repeat(64) } }
  expect((await end(id, said)).status).toBe(413)
})
