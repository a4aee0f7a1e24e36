/** Silence: polls of analyses that failed in a row. */
import { type AnalysisKey, LIVE_STATES, type RunNumber } from '../../../po/model.ts'
import type { PollOutcome, ResetReason, Silence } from '../../../po/ports/silence.ts'
import type { Db } from '../rows.ts'

export async function recordPoll(
  sql: Db,
  key: AnalysisKey,
  run: RunNumber,
  outcome: PollOutcome,
  at: Date,
): Promise<void> {
  if (outcome === 'heard') {
    await sql`
      update po.analysis set silent_polls = 0, silent_since = null
      where key = ${key} and run = ${run} and silent_polls > 0`
    return
  }
  await sql`
    update po.analysis set silent_polls = silent_polls + 1, silent_since = coalesce(silent_since, ${at})
    where key = ${key} and run = ${run}`
}

export async function silence(sql: Db): Promise<Silence> {
  const [counts] = await sql<Silence[]>`
    select count(*)::integer as heard, (count(*) filter (where silent_polls > 0))::integer as silent
    from po.analysis where state = 'executing'`
  return counts ?? { heard: 0, silent: 0 }
}

/** Runs in its own transaction. @see PoStore.resetSilenceTimers */
export async function resetSilenceTimers(tx: Db, at: Date, reason: ResetReason): Promise<void> {
  await tx`
    with silent as (
      select key from po.analysis where silent_polls > 0 and state in ${tx(LIVE_STATES)}
      order by key for no key update
    )
    update po.analysis row set silent_polls = 0, silent_since = null from silent where row.key = silent.key`
  if (reason !== 'fault') return
  // A fault that is recorded late must not replace a later one.
  await tx`
    insert into po.loop as row (installed_at, fault_at) values (${at}, ${at})
    on conflict (singleton) do update set fault_at = greatest(row.fault_at, excluded.fault_at)`
}
