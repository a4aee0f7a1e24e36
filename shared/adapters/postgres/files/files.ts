/** Files: names for contents. Functions that write run in their own transaction. */

import type { Body, ObjectId, StoredFile } from '../../../files/model.ts'
import type { Added, FileChange, NewFile, Received } from '../../../files/ports.ts'
import { Fault } from '../../../platform/fault.ts'
import { type Db, storable } from '../rows.ts'
import { discard, releaseContent, storeContent } from './contents.ts'

/** The statement calls the tables `file` and `content`. */
const COLUMNS = `
  file.id, file.filename, file.origin, file.uploaded_at as "uploadedAt", file.body,
  encode(content.sha256, 'hex') as sha256, encode(content.md5, 'hex') as md5, content.length::float8 as length`
const columns = (sql: Db) => sql.unsafe(COLUMNS)

export async function find(sql: Db, id: ObjectId): Promise<StoredFile | undefined> {
  const [file] = await sql<StoredFile[]>`
    select ${columns(sql)} from dt.file join dt.content using (body) where file.id = ${id}`
  return file
}

export async function list(sql: Db, skip: number, limit: number): Promise<StoredFile[]> {
  const files = await sql<StoredFile[]>`
    with page as (
      select * from dt.file order by created_at, id offset ${skip} limit ${limit}
    )
    select ${columns(sql)} from page file join dt.content using (body) order by file.created_at, file.id`
  return [...files]
}

interface Row extends NewFile {
  readonly origin: StoredFile['origin']
}

/** False when the id exists. */
async function insertFile(tx: Db, { id, filename, at, origin }: Row, body: Body): Promise<boolean> {
  const { count } = await tx`
    insert into dt.file (id, filename, origin, body, created_at, uploaded_at)
    values (${id}, ${storable(filename)}, ${origin}, ${body}, ${at}, ${at})
    on conflict (id) do nothing`
  return count === 1
}

const found = async (tx: Db, id: ObjectId): Promise<StoredFile> => {
  const file = await find(tx, id)
  if (!file) throw new TypeError('a file went in the transaction that made it')
  return file
}

/** The content is locked: of concurrent uploads of it, the first creates the file and the others find it. */
export async function add(tx: Db, received: Received, file: NewFile): Promise<Added> {
  const body = await storeContent(tx, received, file.at)
  const [known] = await tx<{ id: ObjectId }[]>`
    select id from dt.file where body = ${body} and origin = 'upload' order by created_at, id limit 1`
  if (!known) await insertFile(tx, { ...file, origin: 'upload' }, body)
  return { file: await found(tx, known?.id ?? file.id), existed: known !== undefined }
}

export async function restore(tx: Db, received: Received, file: Row, now: Date): Promise<boolean> {
  const [taken] = await tx`select from dt.file where id = ${file.id}`
  if (taken) {
    await discard(tx, received.body, now)
    return false
  }
  return insertFile(tx, file, await storeContent(tx, received, file.at))
}

interface Locked {
  readonly body: Body
  readonly filename: string
}

/** The file, locked until the transaction ends. */
async function locked(tx: Db, id: ObjectId, expected: readonly string[] | undefined): Promise<Locked | undefined> {
  const [file] = await tx<Locked[]>`select body, filename from dt.file where id = ${id} for update`
  if (!file || !expected) return file
  const [content] = await tx<{ sha256: string }[]>`
    select encode(sha256, 'hex') as sha256 from dt.content where body = ${file.body}`
  if (!content || !expected.includes(content.sha256))
    throw new Fault('precondition_failed', 'The file has changed since it was read')
  return file
}

/** The caller releases the former content in a later transaction; here two that swap contents would deadlock. */
export async function replace(tx: Db, received: Received, id: ObjectId, { filename, at, expected }: FileChange) {
  const old = await locked(tx, id, expected)
  if (!old) {
    await discard(tx, received.body, at)
    return undefined
  }
  const body = await storeContent(tx, received, at)
  await tx`
    update dt.file set body = ${body}, filename = ${storable(filename ?? old.filename)}, uploaded_at = ${at}
    where id = ${id}`
  return { file: await found(tx, id), before: old.body }
}

export async function remove(tx: Db, id: ObjectId, orphanedAt: Date, expected?: readonly string[]): Promise<boolean> {
  const file = await locked(tx, id, expected)
  if (!file) return false
  await tx`delete from dt.file where id = ${id}`
  await releaseContent(tx, file.body, orphanedAt)
  return true
}
