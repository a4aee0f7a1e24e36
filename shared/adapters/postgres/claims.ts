/** Claims: any number of reconcilers share the work, and none waits for another. */
import { type Analysis, type AnalysisKey, LIVE_STATES } from '../../po/model.ts'
import { analysisColumns, type Db, later } from './rows.ts'

/** @see Store.claimDue */
export async function claimDue(sql: Db, now: Date, leaseMs: number, limit: number): Promise<Analysis[]> {
  const rows = await sql<Analysis[]>`
    with due as (
      select key from po.analysis
      where state in ${sql(LIVE_STATES)} and due_at <= ${now} and (claimed_until is null or claimed_until <= ${now})
      order by due_at, key limit ${limit}
      for no key update skip locked
    )
    update po.analysis row set claimed_until = ${later(now, leaseMs)}
    from due where row.key = due.key
    returning ${analysisColumns(sql)}`
  return [...rows]
}

/** @see Store.claim */
export async function claim(sql: Db, key: AnalysisKey, now: Date, leaseMs: number): Promise<Analysis | undefined> {
  const [row] = await sql<Analysis[]>`
    update po.analysis row set claimed_until = ${later(now, leaseMs)}
    where key = ${key} and state in ${sql(LIVE_STATES)} and (claimed_until is null or claimed_until <= ${now})
    returning ${analysisColumns(sql)}`
  return row
}

/** @see Store.unclaim */
export async function unclaim(sql: Db, keys: readonly AnalysisKey[]): Promise<void> {
  if (keys.length > 0) await sql`update po.analysis set claimed_until = null where key in ${sql(keys)}`
}
