/**
 * What users do with files. A file is a name for a content: deleting it removes the name, and frees the bytes only when no
 * other file, mount or output has the content. A service never loses an input by what happens to a file.
 */
import { Fault } from '../platform/fault.ts'
import type { Bytes } from '../platform/ports.ts'
import { type Download, downloadOf } from './download.ts'
import { type ObjectId, parseObjectId, type StoredFile } from './model.ts'
import type { FileChange, FilePorts } from './ports.ts'
import { named, receive } from './receive.ts'
import { fileRow } from './show.ts'

/** Downloads in progress may finish before their bytes are removed. */
const READERS_MS = 10 * 60_000

export const orphanedFrom = (now: Date): Date => new Date(now.getTime() + READERS_MS)

/** A file that a caller names, with the spelling of its id that answers repeat. */
interface FileRef {
  readonly id: ObjectId
  readonly spelling: string
}

const SHOWN = 64
/** The same answer for an id without a file and for a text that is not an id. */
const notFound = (spelling: string) => new Fault('not_found', `File not found: ${spelling.slice(0, SHOWN)}`)

/** @throws Fault `not_found` for a text that is not an id */
export function fileRef(spelling: string): FileRef {
  const id = parseObjectId(spelling)
  if (!id) throw notFound(spelling)
  return { id, spelling }
}

type Receiving = Pick<FilePorts, 'catalogue' | 'blobs' | 'newDigest' | 'newId' | 'now' | 'log'>

export interface IncomingFile {
  readonly filename: string
  readonly content: Bytes
}

/**
 * Stores a file, or finds the one that has this content already: its id and the name that it was first given stay, and the
 * answer has the name that was sent.
 */
export async function upload(deps: Receiving, { filename, content }: IncomingFile) {
  const received = await receive(deps, content)
  const added = { id: deps.newId(), filename, at: deps.now() }
  const { file, existed } = await named(deps, received, () => deps.catalogue.add(received, added))
  deps.log('action', 'file stored', { file: file.id, length: file.length, existed })
  return { file_id: file.id, filename, ...(existed && { message: 'File already exists' }) }
}

export interface Replacement extends Pick<FileChange, 'expected'> {
  /** Begins to receive the content; called once, and only for a file that exists. */
  readonly open: () => Promise<Pick<FileChange, 'filename'> & { readonly content: Bytes }>
}

/** An early check. The catalogue checks again when the content has arrived. */
function assertExpected({ sha256 }: StoredFile, expected: readonly string[] | undefined): void {
  if (expected && !expected.includes(sha256))
    throw new Fault('precondition_failed', 'The file has changed since it was read')
}

/**
 * Gives a file another content, and another name where there is one. Services that were launched with it keep what they
 * have; scheduled ones take the new content at their next firing.
 * @throws Fault `not_found`, `precondition_failed`, before anything of the content is read if that is known by then
 */
export async function replace(deps: Receiving, ref: FileRef, { expected, open }: Replacement) {
  const { catalogue, now, log } = deps
  const before = await find(deps, ref)
  const { filename, content } = await open()
  assertExpected(before, expected)
  const received = await receive(deps, content)
  const at = now()
  const file = await named(deps, received, () =>
    catalogue.replace(received, ref.id, { filename, at, orphanedAt: orphanedFrom(at), expected }),
  )
  if (!file) throw notFound(ref.spelling)
  log('action', 'file replaced', { file: file.id, length: file.length })
  return { file_id: file.id, filename: file.filename }
}

async function find({ catalogue }: Pick<FilePorts, 'catalogue'>, { id, spelling }: FileRef): Promise<StoredFile> {
  const file = await catalogue.find(id)
  if (!file) throw notFound(spelling)
  return file
}

/** In the order in which they were first stored. */
export async function list(
  { catalogue }: Pick<FilePorts, 'catalogue'>,
  { skip, limit }: { readonly skip: number; readonly limit: number },
) {
  return (await catalogue.list(skip, limit)).map(fileRow)
}

/** @throws Fault `not_found` */
export async function download(ports: Pick<FilePorts, 'catalogue' | 'blobs'>, ref: FileRef): Promise<Download> {
  return downloadOf(ports, await find(ports, ref))
}

/** @throws Fault `not_found`, `precondition_failed` */
export async function remove(
  { catalogue, now, log }: Pick<FilePorts, 'catalogue' | 'now' | 'log'>,
  { id, spelling }: FileRef,
  expected?: readonly string[],
) {
  if (!(await catalogue.remove(id, orphanedFrom(now()), expected))) throw notFound(spelling)
  log('action', 'file deleted', { file: id })
  return { message: 'File deleted successfully' }
}
