/** A BlobStore in memory. It shows that the suite needs no database, and serves tests of use cases. */

import type { Body } from '../../../shared/files/model.ts'
import type { BlobStore } from '../../../shared/files/ports.ts'
import { Fault } from '../../../shared/platform/fault.ts'

export function memoryBlobs(held: Map<Body, Buffer[]> = new Map()): BlobStore & { readonly held: Map<Body, Buffer[]> } {
  return {
    held,
    async put(body, source) {
      const pieces: Buffer[] = []
      held.set(body, pieces)
      for await (const piece of source) if (piece.length > 0) pieces.push(Buffer.from(piece))
    },
    async *get(body, { from, to }) {
      if (to < from) return
      const bytes = Buffer.concat(held.get(body) ?? [])
      if (bytes.length <= to) throw new Fault('unexpected', 'bytes of a file are missing')
      for (let at = from; at <= to; at += 65_536) yield bytes.subarray(at, Math.min(at + 65_536, to + 1))
    },
    async remove(body) {
      held.delete(body)
    },
  }
}
