/** The last bytes of a stream of any length, in memory of about that many bytes; their text is made piece by piece. */

export interface Tail {
  /** In pieces of whole characters; it may be read again. */
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
    // Slots of dropped chunks are cut off rarely: shifting at each chunk would cost its square.
    if (first > 1024) {
      chunks.splice(0, first)
      first = 0
    }
  }
  const cut = cutStart(chunks, first, Math.max(0, kept - limitBytes), dropped > 0 || kept > limitBytes)
  return { text: textOf(chunks), bytes: kept - cut, leftOut: dropped + cut }
}

const EMPTY = new Uint8Array(0)
/** Bytes of a UTF-8 character after its first one, at most. */
const CONTINUATION = 3

/** Cuts `over` bytes off the chunks from `first` on, and then what is left of a character. @returns how many that were */
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
