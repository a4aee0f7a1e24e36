/** Files over HTTP: what comes in as a form or as bytes, and what callers are told. */

import { limited } from '../http/bytes.ts'
import { attachment } from '../http/disposition.ts'
import { json, type Reply } from '../http/exchange.ts'
import { formFile, isForm } from '../http/multipart.ts'
import { expectedTags, select } from '../http/range.ts'
import type { StreamRequest } from '../http/stream-endpoint.ts'
import { Fault } from '../platform/fault.ts'
import * as files from './files.ts'
import { type ByteRange, isFileName, NAME_CHARACTERS, type StoredFile } from './model.ts'
import type { FilePorts } from './ports.ts'
import type { FileRow } from './schema.ts'

interface OneFile {
  readonly file_id: string
}

/** As Python writes a time without a zone: microseconds, or none at all. */
export const naive = (time: Date): string =>
  time
    .toISOString()
    .replace(/(?:\.000)?Z$/, '')
    .replace(/\.\d{3}$/, '$&000')

export const rowOf = ({ id, filename, length, uploadedAt, md5 }: StoredFile): FileRow => ({
  file_id: id,
  filename,
  length,
  uploadDate: naive(uploadedAt),
  metadata: { hash: md5 },
})

interface Page {
  readonly query: { readonly skip: number; readonly limit: number }
}

export const fileRows = async ({ catalogue }: Pick<FilePorts, 'catalogue'>, { query }: Page): Promise<FileRow[]> =>
  (await catalogue.list(query.skip, query.limit)).map(rowOf)

const badName = (expected: string) => {
  const msg = `Value error, expected ${expected}`
  return new Fault('invalid', msg, { detail: [{ type: 'value_error', loc: ['body', 'file'], msg, input: null }] })
}

async function inForm({
  headers,
  content,
  fileLimit,
}: StreamRequest<unknown, unknown, unknown>): Promise<files.Incoming> {
  const { filename, content: bytes } = await formFile(headers, content, 'file')
  if (!filename) throw badName('a file with a filename')
  if (!isFileName(filename)) throw badName(`a filename of at most ${NAME_CHARACTERS} characters`)
  return { filename, content: limited(bytes, fileLimit) }
}

/** A file that was there already keeps its first name; the caller is told the one that was sent. */
export async function uploadForm(ports: FilePorts, request: StreamRequest<object, object, unknown>): Promise<Reply> {
  const incoming = await inForm(request)
  const { file, existed } = await files.upload(ports, incoming)
  return json(200, {
    file_id: file.id,
    filename: incoming.filename,
    ...(existed && { message: 'File already exists' }),
  })
}

export async function replaceContent(
  ports: FilePorts,
  request: StreamRequest<OneFile, object, unknown>,
): Promise<Reply> {
  const { params, headers, content, fileLimit } = request
  const expected = expectedTags(headers['if-match'])
  await files.find(ports, params.file_id)
  const incoming = isForm(headers) ? await inForm(request) : { content: limited(content, fileLimit) }
  const { id, filename } = await files.replace(ports, params.file_id, { ...incoming, expected })
  return json(200, { file_id: id, filename })
}

export async function deleteFile(
  ports: FilePorts,
  { params, headers }: Pick<StreamRequest<OneFile, object, unknown>, 'params' | 'headers'>,
) {
  await files.remove(ports, params.file_id, expectedTags(headers['if-match']))
  return { message: 'File deleted successfully' }
}

/** Bytes of a content, or the part that was asked for: to be saved under their name, unless they are of a type to be shown. */
export function bytesReply(
  { blobs }: Pick<FilePorts, 'blobs'>,
  { method, headers }: Pick<StreamRequest<unknown, unknown, unknown>, 'method' | 'headers'>,
  { body, sha256, length, filename }: Pick<StoredFile, 'body' | 'sha256' | 'length' | 'filename'>,
  type?: string,
): Reply {
  const etag = `"${sha256}"`
  const { status, from, to } = select(method, headers, etag, length)
  const range: ByteRange = { from, to }
  const known = { etag, 'accept-ranges': 'bytes' }
  if (status === 304) return { status, headers: known }
  if (status === 416) {
    const detail = `Range not satisfiable: the file has ${length} bytes`
    return json(416, { detail }, { ...known, 'content-range': `bytes */${length}` })
  }
  const of = status === 206 && { 'content-range': `bytes ${from}-${to}/${length}` }
  return {
    status,
    headers: {
      ...known,
      ...of,
      'content-length': String(to - from + 1),
      'content-type': type ?? 'application/octet-stream',
      ...(type === undefined && { 'content-disposition': attachment(filename) }),
    },
    body: blobs.get(body, range),
  }
}

export async function download(ports: FilePorts, request: StreamRequest<OneFile, object, unknown>): Promise<Reply> {
  return bytesReply(ports, request, await files.find(ports, request.params.file_id))
}
