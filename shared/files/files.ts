/**
 * What users do with files. A file is a name for a content: deleting it takes the name away, and gives back room only
 * when nobody else has the content. So no service ever loses an input to what happens to a file.
 */
import { Fault } from '../platform/fault.ts'
import { type ObjectId, parseObjectId, type StoredFile } from './model.ts'
import type { Added, Bytes, Change, FilePorts } from './ports.ts'
import { named, receive } from './receive.ts'

/** Downloads under way may finish before their bytes go. */
const READERS_MS = 10 * 60_000

export const looseFrom = (now: Date): Date => new Date(now.getTime() + READERS_MS)

const SHOWN = 64
/** The one answer for ids that are nobody's and texts that are no ids. */
export const fileNotFound = (id: string): Fault => new Fault('not_found', `File not found: ${id.slice(0, SHOWN)}`)

/** @throws Fault `not_found` */
function idOf(text: string): ObjectId {
  const id = parseObjectId(text)
  if (!id) throw fileNotFound(text)
  return id
}

type Receiving = Pick<FilePorts, 'catalogue' | 'blobs' | 'newDigest' | 'newId' | 'now' | 'log'>

export interface Incoming {
  readonly filename: string
  readonly content: Bytes
}

/** Stores a file, or finds the one that has this content already: its id, and the name it was first given, stay. */
export async function upload(deps: Receiving, { filename, content }: Incoming): Promise<Added> {
  const received = await receive(deps, content)
  const file = { id: deps.newId(), filename, at: deps.now() }
  const added = await named(deps, received, () => deps.catalogue.add(received, file))
  deps.log('action', 'file stored', { file: added.file.id, length: added.file.length, existed: added.existed })
  return added
}

/** Known before a body is read. Whether it still is so when the body has come, the catalogue decides. */
function assertExpected({ sha256 }: StoredFile, expected: readonly string[] | undefined): void {
  if (expected && !expected.includes(sha256))
    throw new Fault('precondition_failed', 'The file has changed since it was read')
}

/**
 * Gives a file another content, and another name where there is one. Services that were launched with it keep what they
 * have; scheduled ones take the new content at their next firing.
 * @throws Fault `not_found`, `precondition_failed`, before anything is read of the content if that is known by then
 */
export async function replace(
  deps: Receiving,
  text: string,
  { filename, content, expected }: Pick<Change, 'filename' | 'expected'> & { readonly content: Bytes },
): Promise<StoredFile> {
  const { catalogue, now, log } = deps
  const id = idOf(text)
  assertExpected(await find(deps, text), expected)
  const received = await receive(deps, content)
  const at = now()
  const file = await named(deps, received, () =>
    catalogue.replace(received, id, { filename, at, looseAt: looseFrom(at), expected }),
  )
  if (!file) throw fileNotFound(text)
  log('action', 'file replaced', { file: id, length: file.length })
  return file
}

/** @throws Fault `not_found` */
export async function find({ catalogue }: Pick<FilePorts, 'catalogue'>, text: string): Promise<StoredFile> {
  const file = await catalogue.find(idOf(text))
  if (!file) throw fileNotFound(text)
  return file
}

/** @throws Fault `not_found`, `precondition_failed` */
export async function remove(
  { catalogue, now, log }: Pick<FilePorts, 'catalogue' | 'now' | 'log'>,
  text: string,
  expected?: readonly string[],
): Promise<void> {
  const id = idOf(text)
  if (!(await catalogue.remove(id, looseFrom(now()), expected))) throw fileNotFound(text)
  log('action', 'file deleted', { file: id })
}
