/** The obligations of every BlobStore (`shared/files/ports.ts`). */
import { describe, expect, test } from 'vitest'
import type { Body } from '../../../shared/files/model.ts'
import { blobFaults } from './blob-faults.ts'
import { all, allOf, type BlobTarget, from, inPieces, nextBody, noise } from './blob-subject.ts'

export function blobStoreConformance(name: string, fresh: () => Promise<BlobTarget>): void {
  describe(`${name}: a body`, () => {
    test.each([
      [1, 1],
      [17, 5],
      [100_000, 64],
      [1_000_000, 65_536],
      [3_000_000, 3_000_000],
    ])('of %i bytes, given in pieces of %i, comes back as it was, to another process too', async (length, size) => {
      const { blobs, other } = await fresh()
      const [body, bytes] = [nextBody(), noise(length)]
      await blobs.put(body, inPieces(bytes, size))
      expect((await allOf(other.get(body, all(length)))).equals(bytes)).toBe(true)
    })

    test('of no bytes is empty', async () => {
      const { blobs, stored } = await fresh()
      const body = nextBody()
      await blobs.put(body, inPieces(Buffer.alloc(0), 1))
      expect(await allOf(blobs.get(body, all(0)))).toHaveLength(0)
      expect(await stored()).toBe(0)
    })

    test('takes empty pieces for nothing', async () => {
      const { blobs } = await fresh()
      const body = nextBody()
      await blobs.put(body, from([Buffer.from('a'), Buffer.alloc(0), Buffer.from('b'), Buffer.alloc(0)]))
      expect((await allOf(blobs.get(body, all(2)))).toString()).toBe('ab')
    })

    test('is one of many that do not touch each other', async () => {
      const { blobs } = await fresh()
      const made = Array.from({ length: 8 }, (_, n) => ({ body: nextBody(), bytes: noise(700_001, `body ${n}`) }))
      await Promise.all(made.map(({ body, bytes }) => blobs.put(body, inPieces(bytes, 50_000))))
      await blobs.remove(made[3]?.body as Body)
      for (const { body, bytes } of made.filter((_, n) => n !== 3))
        expect((await allOf(blobs.get(body, all(bytes.length)))).equals(bytes)).toBe(true)
    })
  })

  describe(`${name}: a range`, () => {
    const LENGTH = 1_500_000
    const bytes = noise(LENGTH)
    test.each([
      [0, 0],
      [0, 99],
      [LENGTH - 1, LENGTH - 1],
      [LENGTH - 700_000, LENGTH - 1],
      [524_287, 524_288],
      [524_288, 1_048_575],
      [524_287, 1_048_576],
      [123_456, 1_234_567],
    ])('%i to %i is those bytes', async (from, to) => {
      const { blobs } = await fresh()
      const body = nextBody()
      await blobs.put(body, inPieces(bytes, 65_536))
      expect((await allOf(blobs.get(body, { from, to }))).equals(bytes.subarray(from, to + 1))).toBe(true)
    })
  })

  describe(`${name}: remove`, () => {
    test('frees everything, twice at once and again', async () => {
      const { blobs, other, stored } = await fresh()
      const body = nextBody()
      await blobs.put(body, inPieces(noise(5_000_000), 65_536))
      expect(await stored()).toBe(5_000_000)
      await Promise.all([blobs.remove(body), other.remove(body)])
      expect(await stored()).toBe(0)
      await blobs.remove(body)
    })
    test('of what never was is nothing', async () => {
      const { blobs } = await fresh()
      await blobs.remove(nextBody())
    })
  })

  blobFaults(name, fresh)
}
