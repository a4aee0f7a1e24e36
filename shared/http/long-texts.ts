/**
 * Cuts long texts of a JSON document while it arrives: only the first bytes of each are kept, with a note of how many are
 * missing. A caller that does not repeat refused requests then loses the rest of one text instead of the document. Only what
 * is kept is in memory.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const U = 0x75

export const note = (missing: number): string => ` […${missing} bytes left out…]`

type Action = 'keep' | 'skip' | 'insert the note'

/** Reads a document byte by byte. A character or an escape is kept or removed as a whole. */
function createReader(maxBytes: number) {
  let inText = false
  /** Remaining bytes of an escape. */
  let escaped = 0
  /** The next byte is the kind of an escape. */
  let isKindNext = false
  let kept = 0
  let missing = 0

  function followEscape(byte: number): void {
    if (escaped > 0) escaped = isKindNext && byte === U ? 4 : escaped - 1
    else if (byte === BACKSLASH) escaped = 1
    isKindNext = byte === BACKSLASH && escaped === 1 && !isKindNext
  }

  function actionInText(byte: number): Action {
    const continues = escaped > 0 || (byte & 0xc0) === 0x80
    const isKept = missing === 0 && (continues || kept < maxBytes)
    if (isKept) kept += 1
    else missing += 1
    followEscape(byte)
    return isKept ? 'keep' : 'skip'
  }

  return {
    missing: () => missing,
    actionFor(byte: number): Action {
      const isQuote = byte === QUOTE && escaped === 0
      if (inText && !isQuote) return actionInText(byte)
      if (!isQuote) return 'keep'
      inText = !inText
      const wasCut = !inText && missing > 0
      if (inText) {
        kept = 0
        missing = 0
      }
      return wasCut ? 'insert the note' : 'keep'
    },
  }
}

/** A copy of a chunk without the bytes that are skipped, and with insertions. */
function createCopy(chunk: Uint8Array) {
  const parts: Uint8Array[] = []
  let from = 0
  const upTo = (at: number) => {
    if (from < at) parts.push(chunk.subarray(from, at))
    from = at
  }
  return {
    skip(at: number) {
      upTo(at)
      from = at + 1
    },
    insert(at: number, text: string) {
      upTo(at)
      parts.push(Buffer.from(text))
    },
    end() {
      upTo(chunk.length)
      return Buffer.concat(parts)
    },
  }
}

/** Returns what is kept of each chunk. An escape counts with all its bytes. Everything but texts passes unchanged. */
export function cutLongTexts(maxBytes: number): (chunk: Uint8Array) => Buffer {
  const reader = createReader(maxBytes)
  return (chunk) => {
    const copy = createCopy(chunk)
    for (let at = 0; at < chunk.length; at += 1) {
      const action = reader.actionFor(chunk[at] ?? 0)
      if (action === 'skip') copy.skip(at)
      else if (action === 'insert the note') copy.insert(at, note(reader.missing()))
    }
    return copy.end()
  }
}
