/**
 * Unpublished changes of incarnations. Every statement that changes the state of an analysis, or deletes its row, holds the
 * lock of the row and also records the change. So no change is missing, and their order is that of the transitions.
 */
import { type AnalysisChange, type ChangeTo, LIVE_STATES } from '../../../po/model.ts'
import type { PendingAnalysisChange } from '../../../po/ports/outbox.ts'
import { claimOldest, type QueueClaim } from '../queue.ts'
import type { Db } from '../rows.ts'

const into = (sql: Db) => sql`insert into po.change (id, run, state, progress, cause, at, due_at)`

/** Records the present state of the rows in the CTE `row`. */
export const recordMove = (sql: Db, at: Date) => sql`
  ${into(sql)} select id, run, state, progress, cause, ${at}::timestamptz, ${at}::timestamptz from row`

const STOPPED: ChangeTo = 'stopped'
const WITHDRAWN: ChangeTo = 'withdrawn'

/** Records the final change of the deleted rows in the CTE `row`. That of ended rows is recorded already. */
export const recordForgotten = (sql: Db, at: Date) => sql`
  ${into(sql)}
  select id, run, ${STOPPED}, progress, cause, ${at}::timestamptz, ${at}::timestamptz from row where state = 'stopping'
  union all
  select id, run, ${WITHDRAWN}, progress, null, ${at}::timestamptz, ${at}::timestamptz
  from row where state in ${sql(LIVE_STATES)}`

type ChangeRow = AnalysisChange & Omit<PendingAnalysisChange, 'change'>

export async function claimChanges(sql: Db, options: QueueClaim): Promise<PendingAnalysisChange[]> {
  const columns =
    'row.seq, row.attempts, row.unfinished, row.id, row.run, row.state as "to", row.progress, row.cause, row.at'
  const rows = await claimOldest<ChangeRow>(sql, 'po.change', columns, options)
  return rows.map(({ seq, attempts, unfinished, ...change }) => ({ seq, attempts, unfinished, change }))
}

export async function dropChanges(sql: Db): Promise<void> {
  await sql`delete from po.change`
}
