/** Unpublished changes of services, recorded in the transaction that makes the change. */
import type { ServiceChange, ServiceId } from '../../../dt/model.ts'
import type { PendingServiceChange } from '../../../dt/ports/store.ts'
import { claimOldest, type QueueClaim } from '../queue.ts'
import type { Db } from '../rows.ts'
import { asJson } from './rows.ts'

export async function recordChanges(tx: Db, changes: readonly ServiceChange[]): Promise<void> {
  for (const { id, kind, run, detail, at } of changes)
    await tx`
      insert into dt.change (id, kind, firing, run_index, attempt, detail, at, due_at)
      values (
        ${id}, ${kind}, ${run?.firing ?? null}, ${run?.index ?? null}, ${run?.attempt ?? null},
        ${asJson(detail)}::text::jsonb, ${at}, ${at}
      )`
}

interface ChangeRow extends Omit<ServiceChange, 'run'> {
  readonly seq: string
  readonly attempts: number
  readonly unfinished: number
  readonly firing: number | null
  readonly index: number
  readonly attempt: number
}

const COLUMNS = `row.seq, row.attempts, row.unfinished, row.id, row.kind, row.firing::float8 as firing, row.run_index as index, row.attempt,
  row.detail, row.at`

/** @see DtStore.claimChanges */
export async function claimChanges(sql: Db, options: QueueClaim<ServiceId>): Promise<PendingServiceChange[]> {
  const rows = await claimOldest<ChangeRow>(sql, 'dt.change', COLUMNS, options)
  return rows.map(({ seq, attempts, unfinished, firing, index, attempt, ...change }) => ({
    seq,
    attempts,
    unfinished,
    change: { ...change, run: firing === null ? null : { firing, index, attempt } },
  }))
}

/** @see DtStore.dropChanges */
export async function dropChanges(sql: Db): Promise<void> {
  await sql`delete from dt.change`
}
