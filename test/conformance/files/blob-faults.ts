import { describe, expect, test } from 'vitest'
import { all, allOf, type BlobTarget, inPieces, nextBody, noise } from './blob-subject.ts'

/** Sources that fail, and readers that stop or wait. */
export function blobFaults(name: string, fresh: () => Promise<BlobTarget>): void {
  describe(`${name}: a source`, () => {
    test('that fails makes put fail the same way, and remove frees what was written', async () => {
      const { blobs, stored } = await fresh()
      const body = nextBody()
      const broken = async function* () {
        yield noise(1_200_000)
        throw new Error('the sender is gone')
      }
      await expect(blobs.put(body, broken())).rejects.toThrow('the sender is gone')
      await blobs.remove(body)
      expect(await stored()).toBe(0)
    })

    test('is asked for more only when all but a few pieces of what it gave are stored', async () => {
      const { blobs, stored } = await fresh()
      const PIECE = 262_144
      let kept = 0
      const watched = async function* () {
        for (let n = 0; n < 64; n += 1) {
          if (n === 60) kept = await stored()
          yield noise(PIECE, String(n))
        }
      }
      await blobs.put(nextBody(), watched())
      expect(kept).toBeGreaterThan(60 * PIECE - 4 * 1024 * 1024)
    })
  })

  describe(`${name}: a reader`, () => {
    test('that stops is served no further, and the store goes on', async () => {
      const { blobs } = await fresh()
      const [body, bytes] = [nextBody(), noise(3_000_000)]
      await blobs.put(body, inPieces(bytes, 65_536))
      for (let turn = 0; turn < 10; turn += 1)
        for await (const piece of blobs.get(body, all(bytes.length))) {
          expect(piece.length).toBeGreaterThan(0)
          break
        }
      expect((await allOf(blobs.get(body, all(bytes.length)))).equals(bytes)).toBe(true)
    })

    test('that waits between pieces keeps nobody from writing or reading', async () => {
      const { blobs } = await fresh()
      const [body, bytes] = [nextBody(), noise(2_000_000)]
      await blobs.put(body, inPieces(bytes, 65_536))
      const slow = Array.from({ length: 10 }, () => blobs.get(body, all(bytes.length))[Symbol.asyncIterator]())
      await Promise.all(slow.map((reader) => reader.next()))
      const another = nextBody()
      await blobs.put(another, inPieces(bytes, 65_536))
      expect((await allOf(blobs.get(another, all(bytes.length)))).equals(bytes)).toBe(true)
      await Promise.all(slow.map((reader) => reader.return?.()))
    })

    test('of bytes that are lost gets a fault, not an end', async () => {
      const { blobs, damage } = await fresh()
      const [body, bytes] = [nextBody(), noise(2_000_000)]
      await blobs.put(body, inPieces(bytes, 65_536))
      await damage(body)
      await expect(allOf(blobs.get(body, all(bytes.length)))).rejects.toMatchObject({ name: 'Fault' })
    })

    test.each(['was removed', 'never was'])('of a body that %s gets a fault', async (why) => {
      const { blobs } = await fresh()
      const body = nextBody()
      if (why === 'was removed') {
        await blobs.put(body, inPieces(noise(10), 10))
        await blobs.remove(body)
      }
      await expect(allOf(blobs.get(body, all(10)))).rejects.toMatchObject({ name: 'Fault' })
    })
  })
}
