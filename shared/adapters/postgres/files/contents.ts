/** Contents and loose bodies: what becomes of bytes, and when they go. Query functions; each says if it needs a transaction. */

import type { Body, Content } from '../../../files/model.ts'
import type { Received } from '../../../files/ports.ts'
import { Fault } from '../../../platform/fault.ts'
import { type Db, texts } from '../rows.ts'

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

/** Doomed from here on; a body that was loose already stays so. */
async function doom(tx: Db, body: Body, at: Date): Promise<void> {
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
 * The body that has this content from now on: the received one, or the one that was there before, and then the received
 * one is doomed. The content is locked, so that nobody lets it go before the transaction ends.
 * @throws Fault `unavailable` when the upload was given up for dead
 */
export async function adopt(tx: Db, { body, content }: Received, now: Date): Promise<Body> {
  const { count } = await tx`delete from dt.loose where body = ${body} and not doomed`
  if (count === 0) throw new Fault('unavailable', 'The upload stood still for too long')
  const kept = await insertContent(tx, body, content, now)
  if (kept !== body) await doom(tx, body, now)
  return kept
}

const isHeld = (sql: Db) => sql`
  (exists (select from dt.file where body = row.body)
    or exists (select from dt.mount where body = row.body)
    or exists (select from dt.part where body = row.body))`

/** Lets a content go that nobody has any more. The lock comes first: what others did before it is seen after it. */
export async function release(tx: Db, body: Body, orphanedAt: Date): Promise<boolean> {
  return (await releaseMany(tx, [body], orphanedAt)) === 1
}

/**
 * Releases contents without a holder and returns how many. Only those that seem to have none are locked, in one order: two
 * releases of the same contents cannot deadlock, nor can a release and a transaction that takes several shared contents.
 */
export async function releaseMany(tx: Db, bodies: readonly Body[], orphanedAt: Date): Promise<number> {
  if (bodies.length === 0) return 0
  const free = await tx<{ body: Body }[]>`
    select body from dt.content row where body in ${tx(bodies)} and not ${isHeld(tx)} order by body for update`
  if (free.length === 0) return 0
  const gone = await tx<{ body: Body }[]>`
    delete from dt.content row where body in ${tx(free.map(({ body }) => body))} and not ${isHeld(tx)} returning body`
  if (gone.length === 0) return 0
  await tx`
    insert into dt.loose (body, until, doomed)
    select body, ${orphanedAt}::timestamptz, true
    from (select unnest(${texts(
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
  readonly givenUp: Date
}

export async function claimOrphans(sql: Db, now: Date, { claimed, givenUp }: Leases, limit: number): Promise<Body[]> {
  const rows = await sql<{ body: Body; doomed: boolean }[]>`
    with due as (
      select body, doomed from dt.loose where until <= ${now} order by until, body limit ${limit} for update skip locked
    )
    update dt.loose row
    set doomed = true, until = case when due.doomed then ${claimed}::timestamptz else ${givenUp}::timestamptz end
    from due where row.body = due.body
    returning row.body, due.doomed`
  return rows.filter(({ doomed }) => doomed).map(({ body }) => body)
}

export async function forget(sql: Db, body: Body): Promise<void> {
  await sql`delete from dt.loose where body = ${body} and doomed`
}

/** Contents after a body, in their order, and those of them whose last holder went without letting them go. */
export async function orphans(sql: Db, after: Body, limit: number): Promise<{ seen: Body | null; bodies: Body[] }> {
  const rows = await sql<{ body: Body; orphaned: boolean }[]>`
    select body, not ${isHeld(sql)} as orphaned from dt.content row where body > ${after} order by body limit ${limit}`
  return {
    seen: rows.length < limit ? null : (rows.at(-1)?.body ?? null),
    bodies: rows.filter(({ orphaned }) => orphaned).map(({ body }) => body),
  }
}
