/**
 * Contents, and bodies without content (table `loose`): uploads in progress, and orphaned bodies that are pending deletion
 * (column `doomed`).
 */

import type { Body, Content } from '../../../files/model.ts'
import type { Received } from '../../../files/ports.ts'
import { Fault } from '../../../platform/fault.ts'
import { type Db, textArray } from '../rows.ts'

export async function begin(sql: Db, until: Date): Promise<Body> {
  const [row] = await sql<[{ body: Body }]>`insert into dt.loose (until) values (${until}) returning body`
  return row.body
}

export async function extend(sql: Db, body: Body, until: Date): Promise<boolean> {
  const { count } = await sql`
    update dt.loose set until = ${until} where body = ${body} and not doomed`
  return count === 1
}

export async function discard(sql: Db, body: Body, now: Date): Promise<void> {
  await sql`update dt.loose set until = ${now}, doomed = true where body = ${body}`
}

/** Marks a body as pending deletion. */
async function markPendingDeletion(tx: Db, body: Body, at: Date): Promise<void> {
  await tx`
    insert into dt.loose (body, until, doomed) values (${body}, ${at}, true)
    on conflict (body) do update set until = excluded.until, doomed = true`
}

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')

async function insertContent(tx: Db, body: Body, { sha256, md5, length }: Content, now: Date): Promise<Body> {
  const [row] = await tx<[{ body: Body }]>`
    insert into dt.content as row (body, sha256, md5, length, created_at)
    values (${body}, ${bytes(sha256)}, ${bytes(md5)}, ${length}, ${now})
    on conflict (sha256) do update set length = row.length
    returning body`
  return row.body
}

/**
 * Stores the content of an upload and resolves to its body. If the content exists, that is the existing body, and the received
 * one is pending deletion. The content is locked, so it cannot be released before the transaction ends.
 * @throws Fault `unavailable` when the upload was idle for so long that its body is pending deletion
 */
export async function storeContent(tx: Db, { body, content }: Received, now: Date): Promise<Body> {
  const { count } = await tx`delete from dt.loose where body = ${body} and not doomed`
  if (count === 0) throw new Fault('unavailable', 'The upload stood still for too long')
  const kept = await insertContent(tx, body, content, now)
  if (kept !== body) await markPendingDeletion(tx, body, now)
  return kept
}

const isReferenced = (sql: Db) => sql`
  (exists (select from dt.file where body = row.body)
    or exists (select from dt.mount where body = row.body)
    or exists (select from dt.part where body = row.body))`

export async function releaseContent(tx: Db, body: Body, orphanedAt: Date): Promise<boolean> {
  return (await releaseContents(tx, [body], orphanedAt)) === 1
}

/**
 * Deletes contents without references, marks their bodies as pending deletion, and resolves to their number. Only contents that
 * seem to have no reference are locked, always in one order, so that concurrent transactions cannot deadlock. The references
 * are checked again after the lock.
 */
export async function releaseContents(tx: Db, bodies: readonly Body[], orphanedAt: Date): Promise<number> {
  if (bodies.length === 0) return 0
  const free = await tx<{ body: Body }[]>`
    select body from dt.content row where body in ${tx(bodies)} and not ${isReferenced(tx)} order by body for update`
  if (free.length === 0) return 0
  const gone = await tx<{ body: Body }[]>`
    delete from dt.content row where body in ${tx(free.map(({ body }) => body))} and not ${isReferenced(tx)} returning body`
  if (gone.length === 0) return 0
  await tx`
    insert into dt.loose (body, until, doomed)
    select body, ${orphanedAt}::timestamptz, true
    from (select unnest(${textArray(
      tx,
      gone.map(({ body }) => String(body)),
    )})::bigint as body) gone
    on conflict (body) do update set until = excluded.until, doomed = true`
  return gone.length
}

/** Bytes of all contents, each counted once. */
export async function total(sql: Db): Promise<number> {
  const [row] = await sql<[{ bytes: number }]>`select coalesce(sum(length), 0)::float8 as bytes from dt.content`
  return row.bytes
}

interface Leases {
  readonly claimed: Date
  readonly abandoned: Date
}

export async function claimOrphans(sql: Db, now: Date, { claimed, abandoned }: Leases, limit: number): Promise<Body[]> {
  const rows = await sql<{ body: Body; doomed: boolean }[]>`
    with due as (
      select body, doomed from dt.loose where until <= ${now} order by until, body limit ${limit} for update skip locked
    )
    update dt.loose row
    set doomed = true, until = case when due.doomed then ${claimed}::timestamptz else ${abandoned}::timestamptz end
    from due where row.body = due.body
    returning row.body, due.doomed`
  return rows.filter(({ doomed }) => doomed).map(({ body }) => body)
}

export async function forget(sql: Db, body: Body): Promise<void> {
  await sql`delete from dt.loose where body = ${body} and doomed`
}

/** Reads up to `limit` contents after a body: the last one, or null at the end, and those without references. */
export async function orphans(sql: Db, after: Body, limit: number): Promise<{ seen: Body | null; bodies: Body[] }> {
  const rows = await sql<{ body: Body; orphaned: boolean }[]>`
    select body, not ${isReferenced(sql)} as orphaned from dt.content row where body > ${after} order by body limit ${limit}`
  return {
    seen: rows.length < limit ? null : (rows.at(-1)?.body ?? null),
    bodies: rows.filter(({ orphaned }) => orphaned).map(({ body }) => body),
  }
}
