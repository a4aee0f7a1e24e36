/** Proofs of isolation: those of runs in `po.run`, the state of the namespace in `po.loop`. */
import { type AnalysisId, type AnalysisKey, LIVE_STATES, type RunNumber } from '../../../po/model.ts'
import type { AnalysisRunRef } from '../../../po/names.ts'
import type { IsolationState, RunFacts } from '../../../po/ports/isolation.ts'
import { type Db, storable } from '../rows.ts'

/** @see PoStore.isolation */
export async function isolation(sql: Db): Promise<IsolationState> {
  const [row] = await sql<IsolationState[]>`select breach, proven_at as "provenAt" from po.loop`
  return row ?? { breach: null, provenAt: null }
}

/** @see PoStore.recordBreach */
export async function recordBreach(sql: Db, breach: string, at: Date): Promise<void> {
  await sql`
    insert into po.loop as row (installed_at, breach) values (${at}, ${storable(breach)})
    on conflict (singleton) do update set breach = excluded.breach`
}

/** @see PoStore.recordProof */
export async function recordProof(sql: Db, at: Date): Promise<void> {
  await sql`
    insert into po.loop as row (installed_at, proven_at) values (${at}, ${at})
    on conflict (singleton) do update set proven_at = excluded.proven_at, breach = null`
}

/** @see PoStore.saveRunFacts */
export async function saveRunFacts(
  sql: Db,
  key: AnalysisKey,
  run: RunNumber,
  { proof, imageDigest }: RunFacts,
): Promise<void> {
  // The lock of the analysis first, as everywhere: the update is written to its journal.
  await sql`
    with row as (select key from po.analysis where key = ${key} for no key update)
    update po.run set
      isolation = coalesce(isolation, ${proof && sql.json({ ...proof })}::jsonb),
      image_digest = coalesce(image_digest, ${imageDigest})
    from row where po.run.key = row.key and po.run.run = ${run}`
}

/** @see PoStore.neighbour */
export async function neighbour(sql: Db, id: AnalysisId): Promise<AnalysisRunRef | undefined> {
  const [row] = await sql<AnalysisRunRef[]>`
    select id, run from po.analysis where id <> ${id} and state in ${sql(LIVE_STATES)} order by key desc limit 1`
  return row
}
