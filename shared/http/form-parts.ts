/**
 * The parts of a multipart body, read as they come (RFC 2046, section 5.1): no more than the headers of one part and one
 * piece of the body are held, however large either is. A part has to be read, or left, before the next one is asked for.
 */
import { Fault } from '../platform/fault.ts'
import type { Bytes } from './bytes.ts'

export interface Part {
  /** Names in small letters. Each byte of a value is one character, since what it means depends on the client. */
  readonly headers: ReadonlyMap<string, string>
  readonly content: Bytes
}

/** Bytes of the headers of one part. */
const HEAD_LIMIT = 32 * 1024
const PARTS_LIMIT = 200
const BOUNDARY_LIMIT = 70

const CRLF = Buffer.from('\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')
const DASHES = 0x2d2d

const broken = (why: string) => new Fault('bad_request', 'There was an error parsing the body', { cause: why })

const BOUNDARY = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i

/** @throws Fault `bad_request` when it names no boundary, or one that is longer than RFC 2046 allows */
export function boundaryOf(contentType: string): string {
  const [, quoted, bare] = BOUNDARY.exec(contentType) ?? []
  const boundary = quoted ?? bare
  if (boundary === undefined) throw new Fault('bad_request', 'Missing boundary in multipart.')
  if (boundary.length > BOUNDARY_LIMIT)
    throw new Fault('bad_request', `The boundary of the form is longer than ${BOUNDARY_LIMIT} characters`)
  return boundary
}

/** Reads a body up to marks in it. */
function createReader(body: Bytes) {
  const pieces = body[Symbol.asyncIterator]()
  // A body may begin with its first boundary, which elsewhere stands behind a line end.
  let rest: Buffer = CRLF
  const more = async (): Promise<void> => {
    const { done, value } = await pieces.next()
    if (done) throw broken('it ends before its last boundary')
    rest = Buffer.concat([rest, value])
  }
  const take = (length: number): Buffer => {
    const taken = rest.subarray(0, length)
    rest = rest.subarray(length)
    return taken
  }

  return {
    /** What comes before the next `mark`, which is consumed with it. */
    async *until(mark: Buffer): Bytes {
      let at = rest.indexOf(mark)
      while (at < 0) {
        const certain = rest.length - mark.length + 1 // the end may be the beginning of a mark
        if (certain > 0) yield take(certain)
        await more()
        at = rest.indexOf(mark)
      }
      if (at > 0) yield take(at)
      take(mark.length)
    },
    /** True when the next two bytes are these, which are consumed then. */
    async isNext(two: number): Promise<boolean> {
      while (rest.length < 2) await more()
      return rest.readUInt16BE() === two && take(2).length === 2
    },
    async drain(): Promise<void> {
      rest = Buffer.alloc(0)
      while (!(await pieces.next()).done);
    },
    leave: async () => void (await pieces.return?.()),
  }
}

async function headOf(pieces: Bytes): Promise<string> {
  let head = ''
  for await (const piece of pieces) {
    head += Buffer.from(piece).toString('latin1')
    if (head.length > HEAD_LIMIT)
      throw new Fault('bad_request', `The headers of a part of the form are larger than ${HEAD_LIMIT} bytes`)
  }
  return head
}

/** @param head what stands between a boundary and the content: the rest of its line, and headers, each in a line or more */
function headersOf(head: string): ReadonlyMap<string, string> {
  const [padding = '', ...lines] = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')
  if (padding.trim() !== '') throw broken('a boundary that goes on')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon < 1 || /[\r\n]/.test(line)) throw broken('a header that is none')
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return headers
}

/**
 * All parts in order. It ends when the whole body was read and was in order; a consumer that stops early ends the body.
 * @throws Fault `bad_request` for what is no multipart body of this boundary
 */
export async function* partsOf(body: Bytes, boundary: string): AsyncGenerator<Part> {
  const reader = createReader(body)
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  try {
    for await (const _ of reader.until(delimiter)); // a preamble says nothing
    for (let count = 0; !(await reader.isNext(DASHES)); count += 1) {
      if (count === PARTS_LIMIT) throw new Fault('bad_request', `The form has more than ${PARTS_LIMIT} parts`)
      const headers = headersOf(await headOf(reader.until(HEAD_END)))
      const content = reader.until(delimiter)
      let done = false
      const read = async function* () {
        yield* content
        done = true
      }
      yield { headers, content: read() }
      if (!done) for await (const _ of content);
    }
    await reader.drain()
  } finally {
    await reader.leave()
  }
}
