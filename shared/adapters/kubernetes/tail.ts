/** The last bytes of a stream of any length, in memory of about that many bytes. */

export interface Tail {
  readonly text: string
  /** Bytes before the text. */
  readonly leftOut: number
}

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
  const over = Math.max(0, bytes.length - limitBytes)
  const start = dropped + over === 0 ? 0 : characterStart(bytes, over)
  return { text: bytes.subarray(start).toString('utf8'), leftOut: dropped + start }
}

const EMPTY = new Uint8Array(0)

/** The first byte at or after `start` that begins a UTF-8 character. */
function characterStart(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && at < start + 3 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at++
  return at
}
