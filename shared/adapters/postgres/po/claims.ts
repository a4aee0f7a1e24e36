/** Claims: any number of processes reconcile analyses without waiting for each other. */
import { type Analysis, type AnalysisId, type AnalysisKey, LIVE_STATES } from '../../../po/model.ts'
import { analysisColumns, claimed, type Db } from '../rows.ts'

/** Live, due and unclaimed. */
const isDue = (sql: Db, now: Date) => sql`
  state in ${sql(LIVE_STATES)} and due_at <= ${now} and (claimed_until is null or claimed_until <= ${now})`

export async function claimDue(sql: Db, now: Date, leaseMs: number, limit: number): Promise<Analysis[]> {
  const rows = await sql<Analysis[]>`
    with due as (
      select key from po.analysis
      where ${isDue(sql, now)} and unfinished = 0
      order by due_at, key limit ${limit}
      for no key update skip locked
    )
    update po.analysis row set ${claimed(sql, now, leaseMs)}
    from due where row.key = due.key
    returning ${analysisColumns(sql)}`
  return [...rows]
}

export async function claimSuspects(
  sql: Db,
  now: Date,
  leaseMs: number,
  sizes: readonly number[],
): Promise<Analysis[]> {
  const rows = await sql<Analysis[]>`
    with due as materialized (
      select key, unfinished, due_at from po.analysis
      where ${isDue(sql, now)} and unfinished > 0
      order by unfinished, due_at, key limit ${Math.max(...sizes)}
      for no key update skip locked
    ), ranked as (
      select key, unfinished, min(unfinished) over () as fewest,
        row_number() over (order by unfinished, due_at, key) as nth
      from due
    ), chosen as (
      select key from ranked
      where unfinished = fewest
        and nth <= (${JSON.stringify(sizes)}::text::json ->> (least(fewest, ${sizes.length}) - 1))::integer
    )
    update po.analysis row set ${claimed(sql, now, leaseMs)}
    from chosen where row.key = chosen.key
    returning ${analysisColumns(sql)}`
  return [...rows]
}

export async function claim(sql: Db, id: AnalysisId, now: Date, leaseMs: number): Promise<Analysis | undefined> {
  const [row] = await sql<Analysis[]>`
    update po.analysis row set ${claimed(sql, now, leaseMs)}
    where id = ${id} and ${isDue(sql, now)}
    returning ${analysisColumns(sql)}`
  return row
}

export async function listDue(sql: Db, now: Date, limit: number): Promise<AnalysisId[]> {
  const rows = await sql<{ id: AnalysisId }[]>`
    select id from po.analysis where ${isDue(sql, now)} order by due_at, key limit ${limit}`
  return rows.map(({ id }) => id)
}

/** Locks in the order of keys, like every statement that waits for locks of several rows. @see PoStore.releaseClaims */
export async function releaseClaims(sql: Db, keys: readonly AnalysisKey[]): Promise<void> {
  if (keys.length === 0) return
  await sql`
    with claimed as (
      select key from po.analysis where key in ${sql(keys)} order by key for no key update
    )
    update po.analysis row set claimed_until = null, unfinished = 0 from claimed where row.key = claimed.key`
}
