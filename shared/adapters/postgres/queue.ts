/**
 * Tables that are queues: reports for the Hub and changes for the sink. Rows of one analysis or service are claimed strictly in
 * order, so only its oldest row can be claimed. Different ids are independent.
 */
import { claimed, type Db } from './rows.ts'

/** Types of their ids. */
const ID_TYPES = { 'po.report': 'uuid', 'po.change': 'uuid', 'dt.change': 'text' } as const
type QueueTable = keyof typeof ID_TYPES

/** The ids in a queue, by a loose index scan: the cost depends on the number of ids, not of rows. */
export const waitingIds = (sql: Db, queue: QueueTable) => sql`
  waiting as (
    select (select id from ${sql.unsafe(queue)} order by id limit 1) as id
    union all
    select (select next.id from ${sql.unsafe(queue)} next where next.id > waiting.id order by next.id limit 1)
    from waiting where waiting.id is not null
  )`

export interface QueueClaim<Id extends string = string> {
  readonly now: Date
  readonly leaseMs: number
  readonly limit: number
  /** Only this one. */
  readonly id?: Id | undefined
}

/**
 * Claims the oldest row of each id if it is due and unclaimed. Rows with an unfinished attempt are claimed one at a time and
 * after all others, so a row that ends the process again leaves no other row claimed. `columns` refer to a table `row`.
 */
export async function claimOldest<Row extends object>(
  sql: Db,
  queue: QueueTable,
  columns: string,
  { now, leaseMs, limit, id }: QueueClaim,
): Promise<Row[]> {
  const rows = await sql<Row[]>`
    with recursive ${id === undefined ? waitingIds(sql, queue) : sql`waiting as (select ${id}::${sql.unsafe(ID_TYPES[queue])} as id)`},
    oldest as materialized (
      select oldest.seq from waiting
      cross join lateral (
        select seq, due_at, claimed_until from ${sql.unsafe(queue)} where id = waiting.id order by seq limit 1
      ) oldest
      where oldest.due_at <= ${now} and (oldest.claimed_until is null or oldest.claimed_until <= ${now})
    ), fresh as materialized (
      select seq from ${sql.unsafe(queue)}
      where seq in (select seq from oldest) and (claimed_until is null or claimed_until <= ${now}) and unfinished = 0
      order by seq limit ${limit}
      for update skip locked
    ), suspect as materialized (
      select seq from ${sql.unsafe(queue)}
      where seq in (select seq from oldest) and (claimed_until is null or claimed_until <= ${now}) and unfinished > 0
        and not exists (select from fresh)
      order by unfinished, seq limit 1
      for update skip locked
    ), due as (
      select seq from fresh union all select seq from suspect
    )
    update ${sql.unsafe(queue)} row set ${claimed(sql, now, leaseMs)}
    from due where row.seq = due.seq
    returning ${sql.unsafe(columns)}`
  return [...rows]
}

export async function settle(sql: Db, queue: QueueTable, seq: string): Promise<void> {
  await sql`delete from ${sql.unsafe(queue)} where seq = ${seq}`
}

/** Postpones the oldest row of an id, for which its other rows wait. */
export async function postpone(sql: Db, queue: QueueTable, id: string, dueAt: Date): Promise<void> {
  await sql`
    update ${sql.unsafe(queue)} set due_at = ${dueAt}, claimed_until = null, unfinished = 0, attempts = attempts + 1
    where seq = (select min(seq) from ${sql.unsafe(queue)} where id = ${id})`
}
