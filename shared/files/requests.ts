/** From requests to the input of use cases: files in forms, runs and their outputs. */
import { limitBytes } from '../http/bytes.ts'
import type { Request } from '../http/endpoint.ts'
import { formFile, isForm } from '../http/multipart.ts'
import { expectedTags } from '../http/range.ts'
import { validate } from '../http/validation.ts'
import { Fault } from '../platform/fault.ts'
import type { Bytes } from '../platform/ports.ts'
import type { IncomingFile, Replacement } from './files.ts'
import { type Access, isFileName, NAME_CHARACTERS } from './model.ts'
import type { Ending, OutputCall, Upload } from './runs.ts'
import { ending, type RunQuery } from './schema.ts'

type Sent = Pick<Request<unknown, unknown, unknown, unknown>, 'headers' | 'content' | 'fileLimit'>

const badName = (expected: string) => {
  const msg = `Value error, expected ${expected}`
  return new Fault('invalid', msg, { detail: [{ type: 'value_error', loc: ['body', 'file'], msg, input: null }] })
}

/** The file in a form. */
export async function formUpload({ headers, content, fileLimit }: Sent): Promise<IncomingFile> {
  const { filename, content: bytes } = await formFile(headers, content, 'file')
  if (!filename) throw badName('a file with a filename')
  if (!isFileName(filename)) throw badName(`a filename of at most ${NAME_CHARACTERS} characters`)
  return { filename, content: limitBytes(bytes, fileLimit) }
}

/** The file in a form, or the body as a file without a name. */
export const replacement = (request: Sent): Replacement => ({
  expected: expectedTags(request.headers['if-match']),
  open: async () =>
    isForm(request.headers) ? formUpload(request) : { content: limitBytes(request.content, request.fileLimit) },
})

type RunRequest<Params = unknown> = Request<Params, RunQuery, undefined, Access>

export const runOf = ({ caller, query: { firing, index, attempt } }: RunRequest): OutputCall => ({
  access: caller,
  run: { serviceId: caller.serviceId, firing, index, attempt },
})

/** The body, or by its hash a file that the run has uploaded before. */
export function uploadOf({
  params: { path },
  query,
  headers,
  content,
  fileLimit,
}: RunRequest<{ path: string }>): Upload {
  if (query.sha256 !== undefined) return { path, sha256: query.sha256 }
  return { path, announced: Number(headers['content-length'] ?? 0), content: limitBytes(content, fileLimit) }
}

/** Room for the notes of a run, and for the list of all files that version 0.1 sent. */
const ENDING_BYTES = 2 * 1024 * 1024

async function parsed(content: Bytes): Promise<unknown> {
  const pieces: Uint8Array[] = []
  for await (const piece of limitBytes(content, ENDING_BYTES)) pieces.push(piece)
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'))
  } catch (cause) {
    throw new Fault('bad_request', 'There was an error parsing the body', { cause })
  }
}

export const endingOf = async ({ content }: Sent): Promise<Ending> => validate(ending, await parsed(content), 'body')
