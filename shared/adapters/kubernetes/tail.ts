/** The last bytes of a stream of any length, in memory of about that many bytes; their text is made piece by piece. */

export interface Tail {
  /** In pieces of whole characters; it may be read again. */
  readonly text: Iterable<string>
  readonly bytes: number
  /** Bytes before the text. */
  readonly leftOut: number
}

const PIECE_BYTES = 65_536

const textOf = (bytes: Uint8Array): Iterable<string> => ({
  *[Symbol.iterator]() {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = decoder.decode(bytes.subarray(at, at + PIECE_BYTES), { stream: at + PIECE_BYTES < bytes.length })
      if (piece !== '') yield piece
    }
  },
})

export async function readTail(stream: AsyncIterable<Uint8Array>, limitBytes: number): Promise<Tail> {
  const chunks: Uint8Array[] = []
  let [kept, dropped, first] = [0, 0, 0]
  for await (const chunk of stream) {
    chunks.push(chunk)
    kept += chunk.length
    for (let size = chunks[first]?.length ?? 0; first < chunks.length && kept - size >= limitBytes; ) {
      kept -= size
      dropped += size
      chunks[first++] = EMPTY
      size = chunks[first]?.length ?? 0
    }
    // Slots of dropped chunks are cut off rarely: shifting at each chunk would cost its square.
    if (first > 1024) {
      chunks.splice(0, first)
      first = 0
    }
  }
  const bytes = Buffer.concat(chunks)
  chunks.length = 0
  const over = Math.max(0, bytes.length - limitBytes)
  const start = dropped + over === 0 ? 0 : characterStart(bytes, over)
  return { text: textOf(bytes.subarray(start)), bytes: bytes.length - start, leftOut: dropped + start }
}

const EMPTY = new Uint8Array(0)

/** The first byte at or after `start` that begins a UTF-8 character. */
function characterStart(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && at < start + 3 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at++
  return at
}
