/**
 * The parts of a multipart body, read as they arrive (RFC 2046, section 5.1). Only the headers of one part and one piece of
 * the body are in memory. Each part must be read or skipped before the next one.
 */
import { Fault } from '../platform/fault.ts'
import type { Bytes } from '../platform/ports.ts'

export interface Part {
  /** Names in lower case. Values have one character for each byte, since their encoding depends on the client. */
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

/** @throws Fault `bad_request` without a boundary, or with one that is longer than RFC 2046 allows */
export function boundaryOf(contentType: string): string {
  const [, quoted, bare] = BOUNDARY.exec(contentType) ?? []
  const boundary = quoted ?? bare
  if (boundary === undefined) throw new Fault('bad_request', 'Missing boundary in multipart.')
  if (boundary.length > BOUNDARY_LIMIT)
    throw new Fault('bad_request', `The boundary of the form is longer than ${BOUNDARY_LIMIT} characters`)
  return boundary
}

/** Reads a body up to marks. */
function createReader(body: Bytes) {
  const pieces = body[Symbol.asyncIterator]()
  // Every other boundary follows a line end; a body may begin with its first one.
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
    /** The bytes before the next `mark`. The mark is consumed as well. */
    async *until(mark: Buffer): Bytes {
      let at = rest.indexOf(mark)
      while (at < 0) {
        const certain = rest.length - mark.length + 1 // a mark may begin at the end
        if (certain > 0) yield take(certain)
        await more()
        at = rest.indexOf(mark)
      }
      if (at > 0) yield take(at)
      take(mark.length)
    },
    /** True if these are the next two bytes; they are consumed then. */
    async isNext(two: number): Promise<boolean> {
      while (rest.length < 2) await more()
      return rest.readUInt16BE() === two && take(2).length === 2
    },
    async drain(): Promise<void> {
      rest = Buffer.alloc(0)
      while (!(await pieces.next()).done);
    },
    close: async () => void (await pieces.return?.()),
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

/** @param head text between a boundary and the content: the rest of the boundary's line, then headers, which may be folded */
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
 * All parts in order. It ends after the whole body was read and was well-formed; a consumer that stops early ends the body.
 * @throws Fault `bad_request` for a body that is not multipart with this boundary
 */
export async function* partsOf(body: Bytes, boundary: string): AsyncGenerator<Part> {
  const reader = createReader(body)
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  try {
    for await (const _ of reader.until(delimiter)); // skip the preamble
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
    await reader.close()
  }
}
