/** Cuts a stream of bytes into pieces of one size. */
import type { Bytes } from '../../../platform/ports.ts'

/** Pieces of `size` bytes, and the rest. Each is a separate buffer. */
export async function* rechunk(source: Bytes, size: number): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafeSlow(size)
  let filled = 0
  for await (const bytes of source) {
    let taken = 0
    while (taken < bytes.length) {
      const some = bytes.subarray(taken, taken + size - filled)
      piece.set(some, filled)
      filled += some.length
      taken += some.length
      if (filled < size) continue
      yield piece
      piece = Buffer.allocUnsafeSlow(size)
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
}
