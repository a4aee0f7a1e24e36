/**
 * Parses a list of the API while it is received, so thousands of objects are never in memory at the same time. Each item is
 * passed to a callback; the rest is the list without items.
 */

const [QUOTE = 0, BACKSLASH = 0, OPEN = 0, CLOSE = 0, OPEN_LIST = 0] = Buffer.from('"\\{}[')
/** The bit in which brackets differ from braces. */
const BRACE = 0x20
/** Depth inside the array of a list. */
const IN_ITEMS = 2

/** Calls back for each brace and bracket outside of strings. */
function createScanner(onOpen: (at: number) => void, onClose: (at: number) => void) {
  let inText = false
  let escaped = false
  const insideText = (byte: number): void => {
    if (escaped) escaped = false
    else if (byte === BACKSLASH) escaped = true
    else inText = byte !== QUOTE
  }
  const outsideText = (byte: number, at: number): void => {
    if (byte === QUOTE) inText = true
    else if ((byte | BRACE) === OPEN) onOpen(at)
    else if ((byte | BRACE) === CLOSE) onClose(at)
  }
  return (chunk: Uint8Array): void => {
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0
      if (inText) insideText(byte)
      else outsideText(byte, at)
    }
  }
}

const textOf = (parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('utf8')

/** Calls `onItem` with the JSON of each item, in order. */
export function createItemReader(onItem: (json: string) => void) {
  const rest: Uint8Array[] = []
  let item: Uint8Array[] = []
  let position: 'outside' | 'between items' | 'item' = 'outside'
  let depth = 0
  let chunk: Uint8Array = new Uint8Array()
  /** Offset in the chunk at which the present part begins. */
  let from = 0

  const onOpen = (at: number): void => {
    if (position === 'between items') {
      position = 'item'
      from = at
    }
    depth += 1
    if (depth !== IN_ITEMS || chunk[at] !== OPEN_LIST) return
    rest.push(chunk.subarray(from, at + 1))
    position = 'between items'
  }

  const onClose = (at: number): void => {
    depth -= 1
    if (position === 'item' && depth === IN_ITEMS) {
      onItem(textOf([...item, chunk.subarray(from, at + 1)]))
      item = []
      position = 'between items'
    } else if (position === 'between items') {
      position = 'outside'
      from = at
    }
  }

  const scan = createScanner(onOpen, onClose)
  return {
    write(next: Uint8Array) {
      chunk = next
      from = 0
      scan(chunk)
      if (position === 'item') item.push(chunk.subarray(from))
      else if (position === 'outside') rest.push(chunk.subarray(from))
    },
    /** JSON of the list without its items, after the last write. */
    rest: () => textOf(rest),
  }
}
