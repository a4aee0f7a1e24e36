/** What waits for a Hub that is away: it is bounded, and goes out at once when the Hub is back. */
import type { Report } from '../../../po/model.ts'
import { waitingIds } from '../queue.ts'
import type { Db } from '../rows.ts'

/** The line in the place of those that were left out. */
export function leftOutLine(count: number): Report {
  const message = `POBACKLOG: ${count} log line${count === 1 ? '' : 's'} left out while the Hub could not be reached`
  return { kind: 'log', level: 'warn', message, status: null }
}

/** @see Store.retryReportsNow */
export async function retryReportsNow(sql: Db, now: Date): Promise<void> {
  await sql`
    with postponed as (
      select seq from po.report where attempts > 0 and due_at > ${now} for update skip locked
    )
    update po.report row set due_at = ${now} from postponed where row.seq = postponed.seq`
}

/**
 * Per analysis it looks for the oldest line that stays; what is older goes. The oldest row that goes becomes the line in
 * their place, so that its turn, and its waiting, stay. Two such lines, one of which was being delivered when the other
 * was made, become one. Callers at the same time wait for each other in the order of ids and rows, and then find the work
 * done.
 *
 * @see Store.capReports
 */
export async function capReports(sql: Db, limit: number, now: Date): Promise<number> {
  const [cut] = await sql<{ gone: number }[]>`
    with recursive ${waitingIds(sql, 'po.report')},
    old as materialized (
      select old.* from waiting
      cross join lateral (
        select seq from po.report where id = waiting.id and kind = 'log' and left_out = 0
        order by seq desc limit 1 offset ${limit - 1}
      ) stays
      cross join lateral (
        select id, seq, left_out from po.report row
        where id = waiting.id and row.seq < stays.seq and kind = 'log'
          and (claimed_until is null or claimed_until <= ${now})
        order by seq for update
      ) old
    ), gap as materialized (
      select id, min(seq) as seq, sum(greatest(left_out, 1)) as left_out, count(*) filter (where left_out = 0) as gone
      from old group by id having count(*) > 1 or bool_or(left_out = 0)
    ), kept as (
      update po.report row set level = 'warn', message = '', status = null, left_out = gap.left_out
      from gap where row.seq = gap.seq
    ), deleted as (
      delete from po.report row using old join gap using (id) where row.seq = old.seq and old.seq > gap.seq
    )
    select coalesce(sum(gone), 0)::integer as gone from gap`
  return cut?.gone ?? 0
}
