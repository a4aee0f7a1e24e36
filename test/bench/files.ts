/**
 * Upload and download of 512 MiB through the bundled functions at full speed, against COPY of the same bytes in chunks of the
 * same size by the same PostgreSQL, without HTTP, hashes and verification. Memory is the peak of the process.
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { connect } from '../../shared/adapters/postgres/database.ts'
import type { Db } from '../../shared/adapters/postgres/rows.ts'
import { type Route, routes } from '../../shared/routes/index.ts'
import { startNode } from './node.ts'
import { atMost, type BenchRow, shown } from './row.ts'

const MIB = 1024 * 1024
const SIZE = 512 * MIB
const PIECE = 64 * 1024
const MEMORY_MIB = 128
const COPY_MS = 10 * 60_000

const NOISE = randomBytes(PIECE)

/** The same bytes at each call; no two chunks are equal. */
function* bytes(): Generator<Buffer> {
  for (let n = 0; n * PIECE < SIZE; n += 1) {
    const piece = Buffer.from(NOISE)
    piece.writeUInt32BE(n)
    yield piece
  }
}

const hashOf = async (source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> => {
  const hash = createHash('sha256')
  for await (const piece of source) hash.update(piece)
  return hash.digest('hex')
}

async function rate(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return SIZE / MIB / ((performance.now() - began) / 1000)
}

const BOUNDARY = 'a-boundary-that-is-in-no-file'
const HEAD = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="large.bin"\r\n\r\n`
const TAIL = `\r\n--${BOUNDARY}--\r\n`

function* form(): Generator<Buffer> {
  yield Buffer.from(HEAD)
  yield* bytes()
  yield Buffer.from(TAIL)
}

async function answerOf(sent: ReturnType<typeof request>): Promise<IncomingMessage> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`)
  return response
}

async function upload(url: string): Promise<string> {
  const headers = {
    'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    'content-length': HEAD.length + SIZE + TAIL.length,
  }
  const sent = request(`${url}/files/upload`, { method: 'POST', headers })
  const [response] = await Promise.all([answerOf(sent), pipeline(Readable.from(form()), sent)])
  return ((await json(response)) as { file_id: string }).file_id
}

async function download(url: string, id: string, expected: string): Promise<void> {
  const sent = request(`${url}/files/${id}`)
  sent.end()
  if ((await hashOf(await answerOf(sent))) !== expected) throw new Error('what came back is not what was sent')
}

/** PostgreSQL's binary format of rows `(n integer, data bytea)`. */
function* copied(): Generator<Buffer> {
  yield Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
  let n = 0
  for (const piece of bytes()) {
    const head = Buffer.alloc(14)
    head.writeInt16BE(2, 0)
    head.writeInt32BE(4, 2)
    head.writeInt32BE(n, 6)
    head.writeInt32BE(piece.length, 10)
    yield head
    yield piece
    n += 1
  }
  yield Buffer.from([0xff, 0xff])
}

/** By the server itself, from and to a file, which is the fastest way. */
async function copyBothWays(sql: Db): Promise<{ up: number; down: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-copy-'))
  try {
    await chmod(folder, 0o777) // the server may run as another user
    const [from, to] = [join(folder, 'from'), join(folder, 'to')]
    await writeFile(from, Readable.from(copied()))
    await sql`create table bench_copy (n integer, data bytea)`
    await sql`alter table bench_copy alter column data set storage external`
    const up = await rate(async () => sql.unsafe(`copy bench_copy from '${from}' binary`))
    const down = await rate(async () => sql.unsafe(`copy bench_copy to '${to}' binary`))
    await sql`drop table bench_copy`
    return { up, down }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const peakOf = async (pid: number): Promise<number> =>
  Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

export async function benchFiles(): Promise<BenchRow[]> {
  const used: readonly Route[] = [routes.dt.fileUpload, routes.dt.fileGet]
  await using node = await startNode({ routes: used, env: { DT_AUTH: 'none' } })
  const [up, down] = used.map((route) => node.runningOf(route)[0])
  if (!up || !down) throw new Error('a function does not run')
  const expected = await hashOf(bytes())
  let id = ''
  const upRate = await rate(async () => {
    id = await upload(up.url)
  })
  const downRate = await rate(() => download(down.url, id, expected))
  const pool = connect({ ...node.login, POSTGRES_MAX: 1 }, { answerMs: COPY_MS })
  const copy = await pool.query(copyBothWays).finally(() => pool.end())
  return [
    atMost('512 MiB up: memory of the function', await peakOf(up.pid), 'MiB', MEMORY_MIB),
    atMost('512 MiB down: memory of the function', await peakOf(down.pid), 'MiB', MEMORY_MIB),
    shown('512 MiB up', upRate, 'MiB/s'),
    shown('512 MiB up by COPY', copy.up, 'MiB/s'),
    shown('512 MiB down, bytes identical', downRate, 'MiB/s'),
    shown('512 MiB down by COPY', copy.down, 'MiB/s'),
  ]
}
