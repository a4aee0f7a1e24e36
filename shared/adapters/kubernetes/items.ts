/**
 * Takes a list of the API apart as its bytes come, so that thousands of objects are never in memory at the same time:
 * each item is handed on by itself, and what is left is the list without items.
 */

interface ItemReader {
  write(chunk: Uint8Array): void
  /** JSON of the list without its items; complete when everything was written. */
  rest(): string
}

const [QUOTE = 0, BACKSLASH = 0, OPEN = 0, CLOSE = 0, OPEN_LIST = 0] = Buffer.from('"\\{}[')
/** Brackets differ from braces in this bit. */
const BRACE = 0x20
/** Inside of the list, and of the one array that it has. */
const IN_ITEMS = 2

/** Calls back at each brace and bracket that is not part of a text. */
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

/** `onItem` gets the JSON of each item, in order. */
export function createItemReader(onItem: (json: string) => void): ItemReader {
  const rest: Uint8Array[] = []
  let item: Uint8Array[] = []
  let place: 'outside' | 'between items' | 'item' = 'outside'
  let depth = 0
  let chunk: Uint8Array = new Uint8Array()
  /** Where in the chunk the present place begins. */
  let from = 0

  const onOpen = (at: number): void => {
    if (place === 'between items') {
      place = 'item'
      from = at
    }
    depth += 1
    if (depth !== IN_ITEMS || chunk[at] !== OPEN_LIST) return
    rest.push(chunk.subarray(from, at + 1))
    place = 'between items'
  }

  const onClose = (at: number): void => {
    depth -= 1
    if (place === 'item' && depth === IN_ITEMS) {
      onItem(textOf([...item, chunk.subarray(from, at + 1)]))
      item = []
      place = 'between items'
    } else if (place === 'between items') {
      place = 'outside'
      from = at
    }
  }

  const scan = createScanner(onOpen, onClose)
  return {
    write(next) {
      chunk = next
      from = 0
      scan(chunk)
      if (place === 'item') item.push(chunk.subarray(from))
      else if (place === 'outside') rest.push(chunk.subarray(from))
    },
    rest: () => textOf(rest),
  }
}
