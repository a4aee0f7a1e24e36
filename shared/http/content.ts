/** Replies with stored bytes: all of them, the range that was asked for, or nothing where the caller has them (RFC 9110). */
import type { Bytes } from '../platform/ports.ts'
import { attachment } from './disposition.ts'
import type { Request } from './endpoint.ts'
import { select } from './range.ts'
import { type Encoded, encoded, json } from './reply.ts'

export interface HttpContent {
  /** Hexadecimal. */
  readonly sha256: string
  readonly length: number
  /** Media type. Bytes of no known type are an attachment: browsers save them under `filename`. */
  readonly type: 'application/octet-stream' | 'application/json'
  readonly filename: string
  /** Bytes `from` to `to`, both included. */
  readonly read: (range: { readonly from: number; readonly to: number }) => Bytes
}

export function contentReply(
  { method, headers }: Pick<Request<unknown, unknown, unknown, unknown>, 'method' | 'headers'>,
  { sha256, length, type, filename, read }: HttpContent,
): Encoded {
  const etag = `"${sha256}"`
  const { status, from, to } = select(method, headers, etag, length)
  const known = { etag, 'accept-ranges': 'bytes' }
  if (status === 304) return encoded({ status, headers: known })
  if (status === 416) {
    const detail = `Range not satisfiable: the file has ${length} bytes`
    return encoded(json(416, { detail }, { ...known, 'content-range': `bytes */${length}` }))
  }
  return encoded({
    status,
    headers: {
      ...known,
      ...(status === 206 && { 'content-range': `bytes ${from}-${to}/${length}` }),
      'content-length': String(to - from + 1),
      'content-type': type,
      ...(type === 'application/octet-stream' && { 'content-disposition': attachment(filename) }),
    },
    body: read({ from, to }),
  })
}
