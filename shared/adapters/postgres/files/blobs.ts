/**
 * The BlobStore port on PostgreSQL: a body is stored in rows of one size. Each row has its own short statement, so no
 * connection waits for the client of a transfer.
 */

import type { Body, ByteRange } from '../../../files/model.ts'
import type { BlobStore } from '../../../files/ports.ts'
import { Fault } from '../../../platform/fault.ts'
import type { Bytes } from '../../../platform/ports.ts'
import type { Database } from '../database.ts'
import { withDeadline } from '../faults.ts'
import type { Db } from '../rows.ts'
import { rechunk } from './rechunk.ts'

interface BlobOptions {
  /** Bytes of a row. Bodies with another size stay readable. */
  readonly pieceBytes?: number
  /** Deadline of a statement. */
  readonly callMs?: number
  /** Rows that a statement of `remove` deletes. */
  readonly batch?: number
}

/** A transfer has a few pieces in memory, twice as large in statements. Larger ones are hardly faster. */
const PIECE_BYTES = 64 * 1024

interface Slice extends ByteRange {
  readonly n: number
}

/** The parts of rows of one size that make up a range. */
function* slices(size: number, { from, to }: ByteRange): Generator<Slice> {
  for (let n = Math.floor(from / size); n * size <= to; n += 1)
    yield { n, from: Math.max(0, from - n * size), to: Math.min(size - 1, to - n * size) }
}

export function createBlobs({ query }: Database, options: BlobOptions = {}): BlobStore {
  const { pieceBytes = PIECE_BYTES, callMs = 30_000, batch = 128 } = options

  const run = <T>(statement: (sql: Db) => Promise<T>): Promise<T> => withDeadline(callMs, () => query(statement))

  const write = (body: Body, n: number, data: Buffer) =>
    run((sql) => sql`insert into dt.chunk (body, n, data) values (${body}, ${n}, ${data})`)

  const sizeOf = (body: Body) =>
    run(async (sql) => {
      const [row] = await sql<{ size: number }[]>`
        select octet_length(data) as size from dt.chunk where body = ${body} and n = 0`
      return row?.size
    })

  const read = (body: Body, { n, from, to }: Slice) =>
    run(async (sql) => {
      const [row] = await sql<{ data: Buffer }[]>`
        select substring(data from ${from + 1} for ${to - from + 1}) as data
        from dt.chunk where body = ${body} and n = ${n}`
      if (row?.data.length !== to - from + 1) throw missing(body)
      return row.data
    })

  /** Reads one row ahead. */
  async function* get(body: Body, range: ByteRange): Bytes {
    if (range.to < range.from) return
    const size = await sizeOf(body)
    if (!size) throw missing(body)
    let row: Promise<Buffer> | undefined
    for (const slice of slices(size, range)) {
      const next = read(body, slice)
      next.catch(() => {}) // the reader may have stopped when it fails
      if (row) yield await row
      row = next
    }
    if (row) yield await row
  }

  return {
    get,
    /** Writes a piece while the next one is received. */
    async put(body, source) {
      let n = 0
      let writing: Promise<unknown> = Promise.resolve()
      try {
        for await (const piece of rechunk(source, pieceBytes)) {
          await writing
          writing = write(body, n, piece)
          writing.catch(() => {}) // awaited before the next one, or at the end
          n += 1
        }
      } finally {
        // The last write ends before the caller gets an error.
        await writing
      }
    },
    async remove(body) {
      const some = () =>
        run(
          (sql) => sql`
            delete from dt.chunk
            where body = ${body} and n in (select n from dt.chunk where body = ${body} order by n limit ${batch})`,
        )
      while ((await some()).count > 0);
    },
  }
}

const missing = (body: Body): Fault =>
  new Fault('unexpected', 'bytes of a file are missing', { cause: new Error(`body ${body}`) })
