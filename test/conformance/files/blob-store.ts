/** What every BlobStore owes. `@see shared/files/ports.ts` */
import { createCipheriv, createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Body } from '../../../shared/files/model.ts'
import type { BlobStore } from '../../../shared/files/ports.ts'
import type { Bytes } from '../../../shared/platform/ports.ts'

export interface BlobTarget {
  readonly blobs: BlobStore
  /** Another process of the same store. */
  readonly other: BlobStore
  /** Bytes of all bodies together, as the store has them. */
  readonly stored: () => Promise<number>
  /** Loses some bytes in the midst of a body, as a broken disk would. */
  readonly damage: (body: Body) => Promise<void>
}

/** Bytes that are the same for one seed and compress badly. */
export function noise(length: number, seed = 'seed'): Buffer {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

export async function* inPieces(bytes: Uint8Array, size: number): Bytes {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

export async function allOf(bytes: Bytes): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of bytes) pieces.push(piece)
  return Buffer.concat(pieces)
}

let bodies = 1_000_000
const nextBody = (): Body => {
  bodies += 1
  return String(bodies) as Body
}

const all = (length: number) => ({ from: 0, to: length - 1 })

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
}

async function* from(pieces: readonly Uint8Array[]): Bytes {
  yield* pieces
}
