/** Reads the last bytes of a stream of any length, with about as many bytes in memory. */

export interface Tail {
  /** In pieces of whole characters. Can be read more than once. */
  readonly text: Iterable<string>
  readonly bytes: number
  /** Bytes before the text. */
  readonly leftOut: number
}

const textOf = (chunks: readonly Uint8Array[]): Iterable<string> => ({
  *[Symbol.iterator]() {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    for (const chunk of chunks) {
      const piece = decoder.decode(chunk, { stream: true })
      if (piece !== '') yield piece
    }
    const rest = decoder.decode()
    if (rest !== '') yield rest
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
    // Removing the entries of dropped chunks one by one would take quadratic time.
    if (first > 1024) {
      chunks.splice(0, first)
      first = 0
    }
  }
  const cut = cutStart(chunks, first, Math.max(0, kept - limitBytes), dropped > 0 || kept > limitBytes)
  return { text: textOf(chunks), bytes: kept - cut, leftOut: dropped + cut }
}

const EMPTY = new Uint8Array(0)
/** Largest number of continuation bytes of a UTF-8 character. */
const CONTINUATION = 3

/** Cuts `over` bytes off the start, and then the rest of a split character. @returns the number of bytes cut */
function cutStart(chunks: Uint8Array[], first: number, over: number, isCut: boolean): number {
  chunks[first] = chunks[first]?.subarray(over) ?? EMPTY
  let more = 0
  for (let at = first; isCut && more < CONTINUATION && at < chunks.length; ) {
    const byte = chunks[at]?.[0]
    if (byte !== undefined && (byte & 0xc0) !== 0x80) break
    if (byte === undefined) at += 1
    else {
      chunks[at] = chunks[at]?.subarray(1) ?? EMPTY
      more += 1
    }
  }
  return over + more
}
