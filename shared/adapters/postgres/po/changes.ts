/**
 * Changes: what became of incarnations and was not told yet. Whoever writes a row of an analysis, or deletes it, holds its
 * lock and records the change in the same statement: so none is missed, and their order is that of the moves.
 */
import { type AnalysisChange, type ChangeTo, LIVE_STATES } from '../../../po/model.ts'
import type { PendingAnalysisChange } from '../../../po/ports/outbox.ts'
import { claimOldest, type QueueClaim } from '../queue.ts'
import type { Db } from '../rows.ts'

const into = (sql: Db) => sql`insert into po.change (id, run, state, progress, cause, at, due_at)`

/** Records what the rows of the statement's part `row` are now. */
export const recordMove = (sql: Db, at: Date) => sql`
  ${into(sql)} select id, run, state, progress, cause, ${at}::timestamptz, ${at}::timestamptz from row`

const STOPPED: ChangeTo = 'stopped'
const WITHDRAWN: ChangeTo = 'withdrawn'

/** Records what becomes of the rows of the part `row` when they go: those that had ended have nothing left to tell. */
export const recordForgotten = (sql: Db, at: Date) => sql`
  ${into(sql)}
  select id, run, ${STOPPED}, progress, cause, ${at}::timestamptz, ${at}::timestamptz from row where state = 'stopping'
  union all
  select id, run, ${WITHDRAWN}, progress, null, ${at}::timestamptz, ${at}::timestamptz
  from row where state in ${sql(LIVE_STATES)}`

type ChangeRow = AnalysisChange & Omit<PendingAnalysisChange, 'change'>

/** @see Store.claimChanges */
export async function claimChanges(sql: Db, options: QueueClaim): Promise<PendingAnalysisChange[]> {
  const columns =
    'row.seq, row.attempts, row.unfinished, row.id, row.run, row.state as "to", row.progress, row.cause, row.at'
  const rows = await claimOldest<ChangeRow>(sql, 'po.change', columns, options)
  return rows.map(({ seq, attempts, unfinished, ...change }) => ({ seq, attempts, unfinished, change }))
}

/** @see Store.dropChanges */
export async function dropChanges(sql: Db): Promise<void> {
  await sql`delete from po.change`
}
