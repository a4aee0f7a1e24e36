/** Forms with a file (RFC 7578), read as they arrive. */
import type { IncomingHttpHeaders } from 'node:http'
import { Fault } from '../platform/fault.ts'
import type { Bytes } from '../platform/ports.ts'
import { namesOf } from './form-names.ts'
import { boundaryOf, type Part, partsOf } from './form-parts.ts'
import type { Detail } from './validation.ts'

interface FormFile {
  /** As the client sent it, perhaps with a path; undefined when it sent none. */
  readonly filename: string | undefined
  /** The bytes of the file. They end only after the whole form was read and was well-formed. */
  readonly content: Bytes
}

const invalid = (field: string, type: string, msg: string): Fault => {
  const detail: Detail = { type, loc: ['body', field], msg, input: null }
  return new Fault('invalid', msg, { detail: [detail] })
}
const missing = (field: string) => invalid(field, 'missing', 'Field required')
const noFile = (field: string) => invalid(field, 'value_error', 'Value error, expected a file with a filename')
const second = (field: string) => invalid(field, 'value_error', 'Value error, expected one file')

const asFault = (cause: unknown): Fault =>
  cause instanceof Fault ? cause : new Fault('bad_request', 'There was an error parsing the body', { cause })

export const isForm = (headers: IncomingHttpHeaders): boolean =>
  /^multipart\/form-data\b(?!-)/i.test(headers['content-type'] ?? '')

const FORM_DATA = /^form-data\b/i

function namesIn({ headers }: Part, { 'user-agent': userAgent }: IncomingHttpHeaders) {
  const disposition = headers.get('content-disposition') ?? ''
  return FORM_DATA.test(disposition) ? namesOf(disposition, userAgent) : { name: undefined, filename: undefined }
}

/**
 * The file in the field of this name, as soon as it begins. Other fields are skipped.
 * @throws Fault `invalid` without such a file, or with a text in its field; `bad_request` for a broken form
 */
export async function formFile(headers: IncomingHttpHeaders, body: Bytes, field: string): Promise<FormFile> {
  if (!isForm(headers)) throw missing(field)
  const parts = partsOf(body, boundaryOf(headers['content-type'] ?? ''))
  /** The next part of this name; it must be a file. */
  const next = async () => {
    for (;;) {
      const { done, value: part } = await parts.next()
      if (done) return undefined
      const { name, filename } = namesIn(part, headers)
      if (name !== field) continue
      if (filename === undefined) throw noFile(field)
      return { filename, content: part.content }
    }
  }
  const content = async function* (file: Bytes): Bytes {
    try {
      yield* file
      if (await next()) throw second(field)
    } catch (error) {
      throw asFault(error)
    } finally {
      await parts.return(undefined)
    }
  }
  try {
    const found = await next()
    if (!found) throw missing(field)
    return { filename: found.filename, content: content(found.content) }
  } catch (error) {
    await parts.return(undefined)
    throw asFault(error)
  }
}
