/** The last bytes of a stream of any length, in memory of about that many bytes. */

export interface Tail {
  readonly text: string
  /** Something was left out at the start. */
  readonly truncated: boolean
}

export async function readTail(stream: AsyncIterable<Uint8Array>, limitBytes: number): Promise<Tail> {
  const chunks: Uint8Array[] = []
  let kept = 0
  let first = 0
  let truncated = false
  for await (const chunk of stream) {
    chunks.push(chunk)
    kept += chunk.length
    while (kept - (chunks[first]?.length ?? 0) >= limitBytes && first < chunks.length) {
      kept -= chunks[first]?.length ?? 0
      chunks[first++] = EMPTY
      truncated = true
    }
    // Forgotten slots are cut off rarely: shifting at each chunk would cost its square.
    if (first > 1024) {
      chunks.splice(0, first)
      first = 0
    }
  }
  const bytes = Buffer.concat(chunks)
  const start = Math.max(0, bytes.length - limitBytes)
  if (start === 0 && !truncated) return { text: bytes.toString('utf8'), truncated: false }
  return { text: bytes.subarray(characterStart(bytes, start)).toString('utf8'), truncated: true }
}

const EMPTY = new Uint8Array(0)

/** The first byte at or after `start` that begins a UTF-8 character. */
function characterStart(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && at < start + 3 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at++
  return at
}
