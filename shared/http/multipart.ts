/** Forms with a file in them (RFC 7578), read as they come. */
import type { IncomingHttpHeaders } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'
import { Fault } from '../fault.ts'
import type { Bytes } from './bytes.ts'
import type { Detail } from './validation.ts'

export interface FormFile {
  /** As the client gave it, path and all; undefined when it gave none. */
  readonly filename: string | undefined
  /**
   * The bytes of the file. It ends only when the whole form has ended and was in order: who reads it to its end may keep
   * what it read.
   */
  readonly content: Bytes
}

/** Other fields are read and forgotten. */
const LIMITS = { fields: 100, fieldSize: 64 * 1024, parts: 200, headerPairs: 50, headerSize: 16 * 1024 }

const invalid = (field: string, type: string, msg: string): Fault => {
  const detail: Detail = { type, loc: ['body', field], msg, input: null }
  return new Fault('invalid', msg, { detail: [detail] })
}
const missing = (field: string) => invalid(field, 'missing', 'Field required')
const noFile = (field: string) => invalid(field, 'value_error', 'Value error, expected a file with a filename')
const second = (field: string) => invalid(field, 'value_error', 'Value error, expected one file')

const unread = () => new Fault('bad_request', 'The form was not read to its end')

const asFault = (cause: unknown): Fault =>
  cause instanceof Fault ? cause : new Fault('bad_request', 'There was an error parsing the body', { cause })

/** True for a body that is a form. */
export const isForm = (headers: IncomingHttpHeaders): boolean =>
  /^multipart\/form-data\b/i.test(headers['content-type'] ?? '')

function createParser(headers: IncomingHttpHeaders): BusboyInstance {
  try {
    return new Busboy({
      headers: { ...headers, 'content-type': headers['content-type'] ?? '' },
      limits: LIMITS,
      preservePath: true,
      isPartAFile: (_field, _type, filename) => filename !== undefined,
    })
  } catch (cause) {
    throw new Fault('bad_request', 'Missing boundary in multipart.', { cause })
  }
}

/**
 * The file's bytes, and then the rest of the form, which may still say that something is wrong. A reader that stops early
 * lets go of the form, and so of the body.
 */
async function* withForm(file: BusboyFileStream, form: Promise<void>, letGo: () => void): Bytes {
  let read = false
  try {
    yield* file as AsyncIterable<Buffer>
    read = true
  } catch (error) {
    await form // it knows better why
    throw asFault(error)
  } finally {
    if (!read) letGo()
  }
  await form
}

/**
 * The file in the field of this name, as soon as it begins.
 * @throws Fault `invalid` when there is none, or a text in its place; `bad_request` for a broken form
 */
export function formFile(headers: IncomingHttpHeaders, body: Bytes, field: string): Promise<FormFile> {
  if (!isForm(headers)) return Promise.reject(missing(field))
  return new Promise((resolve, reject) => {
    const parser = createParser(headers)
    let found: BusboyFileStream | undefined
    let wrong: Fault | undefined
    const refuse = (fault: Fault) => {
      wrong ??= fault
      parser.destroy(fault)
    }
    const form = pipeline(body, parser).then(
      () => {
        if (wrong) throw wrong
        if (!found) throw missing(field)
      },
      (error: unknown) => {
        const fault = wrong ?? asFault(error)
        found?.destroy(fault)
        throw fault
      },
    )
    form.catch(reject)
    parser.on('field', (name: string) => {
      if (name === field) refuse(noFile(field))
    })
    parser.on('file', (name: string, file: BusboyFileStream, filename: string) => {
      file.on('error', (error) => file.destroy(error)) // the parser only says so
      if (name !== field) return void file.resume()
      if (found) return refuse(second(field))
      found = file
      resolve({ filename, content: withForm(file, form, () => parser.destroy(unread())) })
    })
  })
}
