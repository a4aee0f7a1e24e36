/** Bodies in PostgreSQL, straight and through a pooler, against what every BlobStore owes. */
import { expect, test } from 'vitest'
import { createBlobs } from '../../../../../shared/adapters/postgres/files/index.ts'
import type { Body } from '../../../../../shared/files/model.ts'
import { blobStoreConformance } from '../../../../conformance/files/blob-store.ts'
import { allOf, inPieces, noise } from '../../../../conformance/files/blob-subject.ts'
import { emptyTables } from '../empty.ts'
import { onEachWay } from '../ways.ts'

onEachWay((name, pools) => {
  const target = async () => {
    const [pool, other] = pools()
    await emptyTables(pool, ['dt.chunk'])
    return {
      blobs: createBlobs(pool),
      other: createBlobs(other),
      stored: async () => {
        const [row] = await pool.query(
          (sql) => sql<{ bytes: number }[]>`select coalesce(sum(octet_length(data)), 0)::float8 as bytes from dt.chunk`,
        )
        return row?.bytes ?? 0
      },
      damage: async (body: Body) => {
        await pool.query((sql) => sql`delete from dt.chunk where body = ${body} and n = 1`)
      },
    }
  }
  blobStoreConformance(name, target)

  test(`${name}: a body that was written in pieces of another size stays readable`, async () => {
    const { blobs } = await target()
    const [pool] = pools()
    const bytes = noise(1_000_000)
    await createBlobs(pool, { pieceBytes: 100_000 }).put('7' as Body, inPieces(bytes, 30_000))
    expect((await allOf(blobs.get('7' as Body, { from: 0, to: bytes.length - 1 }))).equals(bytes)).toBe(true)
    expect(
      (await allOf(blobs.get('7' as Body, { from: 99_999, to: 200_000 }))).equals(bytes.subarray(99_999, 200_001)),
    ).toBe(true)
  })
})
