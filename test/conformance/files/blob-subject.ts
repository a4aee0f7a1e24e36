/** Fixture of suites about stored bytes and streams. */
import { createCipheriv, createHash } from 'node:crypto'
import type { Body } from '../../../shared/files/model.ts'
import type { BlobStore } from '../../../shared/files/ports.ts'
import type { Bytes } from '../../../shared/platform/ports.ts'

export interface BlobTarget {
  readonly blobs: BlobStore
  /** Another process of the same store. */
  readonly other: BlobStore
  /** Bytes of all bodies together, as the store has them. */
  readonly stored: () => Promise<number>
  /** Deletes some bytes in the middle of a body, like a broken disk. */
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

export const nextBody = (): Body => {
  bodies += 1
  return String(bodies) as Body
}

export const all = (length: number) => ({ from: 0, to: length - 1 })

export async function* from(pieces: readonly Uint8Array[]): Bytes {
  yield* pieces
}
