/** Removals of what incarnations own outside the database. They outlive the rows of the incarnations. */
import {
  type Analysis,
  type AnalysisId,
  type AnalysisKey,
  LATE_MS,
  LIVE_STATES,
  type Removal,
} from '../../../po/model.ts'
import type { ClientHold } from '../../../po/ports/removals.ts'
import { claimed, type Db, later, removalColumns } from '../rows.ts'

/** The oldest removal of an id whose root is not deleted yet. */
export async function unreleasedOf(sql: Db, id: AnalysisId): Promise<Removal | undefined> {
  const [row] = await sql<Removal[]>`
    select ${removalColumns(sql)} from po.removal row where id = ${id} and not root_removed order by key limit 1`
  return row
}

/** Inserts a removal, or adds `archive` to the existing one. It stays open while a creation may continue. */
export async function recordRemoval(
  tx: Db,
  { key, id, firstRun, run, state, claimedUntil }: Analysis,
  { archive, logsTaken }: Pick<Removal, 'archive' | 'logsTaken'>,
  now: Date,
): Promise<void> {
  const makingUntil = state === 'starting' && claimedUntil && claimedUntil > now ? claimedUntil : now
  const holdUntil = new Date(Math.max(makingUntil.getTime(), now.getTime() + LATE_MS))
  await tx`
    insert into po.removal as row (
      key, id, first_run, last_run, archive, making_until, hold_until, due_at, logs_taken
    ) values (
      ${key}, ${id}, ${firstRun}, ${run}, ${archive}, ${makingUntil}, ${holdUntil}, ${now}, ${logsTaken}
    )
    on conflict (key) do update set
      archive = row.archive or excluded.archive,
      due_at = least(row.due_at, excluded.due_at),
      logs_taken = row.logs_taken or excluded.logs_taken`
}

const isDue = (sql: Db, now: Date) => sql`due_at <= ${now} and (claimed_until is null or claimed_until <= ${now})`

export async function claimRemovals(sql: Db, now: Date, leaseMs: number, limit: number): Promise<Removal[]> {
  const rows = await sql<Removal[]>`
    with due as (
      select key from po.removal
      where ${isDue(sql, now)} and unfinished = 0
      order by due_at, key limit ${limit}
      for update skip locked
    )
    update po.removal row set ${claimed(sql, now, leaseMs)}
    from due where row.key = due.key
    returning ${removalColumns(sql)}`
  return [...rows]
}

export async function claimSuspectRemoval(sql: Db, now: Date, leaseMs: number): Promise<Removal | undefined> {
  const [row] = await sql<Removal[]>`
    with due as (
      select key from po.removal
      where ${isDue(sql, now)} and unfinished > 0
      order by unfinished, due_at, key limit 1
      for update skip locked
    )
    update po.removal row set ${claimed(sql, now, leaseMs)}
    from due where row.key = due.key
    returning ${removalColumns(sql)}`
  return row
}

export async function claimRemoval(
  sql: Db,
  key: AnalysisKey,
  now: Date,
  leaseMs: number,
): Promise<Removal | undefined> {
  const [row] = await sql<Removal[]>`
    update po.removal row set ${claimed(sql, now, leaseMs)}
    where key = ${key} and (claimed_until is null or claimed_until <= ${now})
    returning ${removalColumns(sql)}`
  return row
}

export async function pendingRemovals(sql: Db): Promise<Removal[]> {
  return [...(await sql<Removal[]>`select ${removalColumns(sql)} from po.removal row order by key`)]
}

export async function markLogsTaken(sql: Db, key: AnalysisKey): Promise<void> {
  await sql`update po.removal set logs_taken = true where key = ${key}`
}

export async function markRootRemoved(sql: Db, key: AnalysisKey): Promise<void> {
  await sql`update po.removal set root_removed = true where key = ${key}`
}

export async function postponeRemoval(
  sql: Db,
  { key, archive }: Pick<Removal, 'key' | 'archive'>,
  dueAt: Date,
): Promise<void> {
  await sql`
    update po.removal set
      due_at = case when archive = ${archive} then ${dueAt} else least(due_at, ${dueAt}) end,
      claimed_until = null,
      unfinished = 0,
      attempts = attempts + 1
    where key = ${key}`
}

/** `archive` may have been set since the claim: then the removal is due again. @see PoStore.completeRemoval */
export async function completeRemoval(sql: Db, key: AnalysisKey): Promise<void> {
  await sql`
    with complete as (
      delete from po.removal
      where key = ${key} and not (archive and exists (select from po.analysis where key = ${key}))
      returning key
    )
    update po.removal set claimed_until = null, unfinished = 0
    where key = ${key} and not exists (select from complete)`
}

/** Runs in its own transaction; the lock of the identity blocks `begin`. @see PoStore.claimClient */
export async function claimClient(
  tx: Db,
  key: AnalysisKey,
  id: AnalysisId,
  now: Date,
  leaseMs: number,
): Promise<ClientHold> {
  await tx`select from po.identity where id = ${id} for no key update`
  const [found] = await tx<{ needed: boolean; busy: boolean }[]>`
    select
      exists (select from po.analysis where id = ${id} and state in ${tx(LIVE_STATES)}) as needed,
      exists (select from po.removal where id = ${id} and client_held_until > ${now}) as busy`
  if (found?.needed) return 'needed'
  if (found?.busy) return 'busy'
  await tx`update po.removal set client_held_until = ${later(now, leaseMs)} where key = ${key}`
  return 'held'
}

export async function releaseClientClaim(sql: Db, key: AnalysisKey, client: 'removed' | 'left'): Promise<void> {
  await sql`
    update po.removal set client_held_until = null, client_removed = client_removed or ${client === 'removed'}
    where key = ${key}`
}
