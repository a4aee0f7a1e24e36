/** The backlog while the Hub does not answer: it is bounded, and delivered at once when the Hub answers again. */
import type { Report } from '../../../po/model.ts'
import { waitingIds } from '../queue.ts'
import type { Db } from '../rows.ts'

/** The line that replaces those that were left out. */
export function leftOutLine(count: number): Report {
  const message = `POBACKLOG: ${count} log line${count === 1 ? '' : 's'} left out while the Hub could not be reached`
  return { kind: 'log', level: 'warn', message, status: null }
}

export async function retryReportsNow(sql: Db, now: Date): Promise<void> {
  await sql`
    with postponed as (
      select seq from po.report where attempts > 0 and due_at > ${now} for update skip locked
    )
    update po.report row set due_at = ${now} from postponed where row.seq = postponed.seq`
}

/**
 * Per analysis, deletes the log lines before the oldest one that stays. The oldest deleted row becomes the replacement, so its
 * position and due time stay. A replacement that was claimed during an earlier call merges with the new one. Concurrent calls
 * lock ids and rows in the same order, and the later one finds nothing to do.
 *
 * @see PoStore.capReports
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
