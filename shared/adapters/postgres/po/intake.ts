/** The Intake port: records incarnations that another orchestrator created. */
import { type Analysis, type AnalysisId, isLive, type RunNumber } from '../../../po/model.ts'
import type { FormerIncarnation, Intake } from '../../../po/ports/adopt.ts'
import type { Database } from '../database.ts'
import { withDeadline } from '../faults.ts'
import { missingMigrations } from '../migrate.ts'
import { analysisColumns, type Clock, type Db, percent, storable } from '../rows.ts'
import { currentOf } from './analyses.ts'
import { lockIdentity } from './begin.ts'
import { recordMove } from './changes.ts'
import { saveSnapshots } from './logs.ts'
import { recordRemoval } from './removals.ts'

const CALL_MS = 5000
/** Includes the logs. */
const TAKE_MS = 60_000

/** Records a change only for a live incarnation; the others ended before. */
async function insert(tx: Db, incarnation: FormerIncarnation, now: Date): Promise<Analysis> {
  const { id, runs, fate } = incarnation
  const [first, last] = [runs[0], runs.at(-1)]
  const live = isLive(fate.state)
  const row = {
    id,
    spelling: storable(incarnation.spelling),
    project_id: storable(incarnation.projectId),
    image: storable(incarnation.image),
    registry_host: storable(incarnation.registryHost),
    needs_kong: incarnation.needsKong,
    state: fate.state,
    progress: percent(incarnation.progress),
    cause: 'cause' in fate ? storable(fate.cause) : null,
    first_run: first?.run ?? 1,
    run: last?.run ?? 1,
    since: now,
    run_since: last?.startedAt ?? now,
    due_at: 'dueAt' in fate ? fate.dueAt : now,
    created_at: first?.startedAt ?? now,
  }
  const [analysis] = await tx<[Analysis]>`
    with row as (
      insert into po.analysis ${tx(row)} returning *
    )${live ? tx`, change as (${recordMove(tx, now)})` : tx``}
    select ${analysisColumns(tx)} from row`
  const rows = runs.map(({ run, startedAt }, index) => ({
    key: analysis.key,
    run,
    started_at: startedAt,
    ended_at: runs[index + 1]?.startedAt ?? (live ? null : now),
    cause: index === runs.length - 1 ? row.cause : null,
  }))
  await tx`insert into po.run ${tx(rows)}`
  return analysis
}

/** Runs in its own transaction. @see Intake.take */
async function take(tx: Db, incarnation: FormerIncarnation, clock: Clock): Promise<Analysis | undefined> {
  const { id, runs, fate, logs, logBytes } = incarnation
  const last = runs.at(-1)?.run ?? 1
  const known = await lockIdentity(tx, id)
  if (known >= last || (await currentOf(tx, id))) return undefined
  const now = clock()
  await tx`update po.identity set last_run = ${last} where id = ${id}`
  const analysis = await insert(tx, incarnation, now)
  await saveSnapshots(tx, analysis.key, logs, logBytes)
  if ('removal' in fate && fate.removal) {
    await recordRemoval(tx, analysis, { archive: fate.state === 'executed', logsTaken: false }, now)
  }
  return analysis
}

async function lastRuns(sql: Db): Promise<Map<AnalysisId, RunNumber>> {
  const rows = await sql<{ id: AnalysisId; run: RunNumber }[]>`
    select id, last_run as run from po.identity where last_run > 0`
  return new Map(rows.map(({ id, run }) => [id, run]))
}

export function createPoIntake(database: Database, { now = () => new Date() }: { now?: Clock } = {}): Intake {
  const { query, transaction } = database
  return {
    missingMigrations: () => withDeadline(CALL_MS, () => missingMigrations(database)),
    lastRuns: () => withDeadline(CALL_MS, () => query(lastRuns)),
    take: (incarnation) => withDeadline(TAKE_MS, () => transaction((tx) => take(tx, incarnation, now))),
  }
}
