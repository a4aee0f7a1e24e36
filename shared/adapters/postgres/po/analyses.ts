/** Rows of incarnations and their runs. */
import { createHash } from 'node:crypto'
import {
  type Analysis,
  type AnalysisId,
  type AnalysisKey,
  isLive,
  type PartnerStatuses,
  type RunEvidence,
  type RunNumber,
  type State,
} from '../../../po/model.ts'
import type { AnalysisPatch, AnalysisState } from '../../../po/ports/analyses.ts'
import { analysisColumns, type Clock, type Db, percent, storable } from '../rows.ts'
import { recordForgotten, recordMove } from './changes.ts'
import { insertLines } from './lines.ts'
import { insertReports } from './outbox.ts'
import { recordRemoval } from './removals.ts'

export async function currentOf(sql: Db, id: AnalysisId): Promise<Analysis | undefined> {
  const [row] = await sql<Analysis[]>`select ${analysisColumns(sql)} from po.analysis row where id = ${id}`
  return row
}

export async function byKey(sql: Db, key: AnalysisKey): Promise<Analysis | undefined> {
  const [row] = await sql<Analysis[]>`select ${analysisColumns(sql)} from po.analysis row where key = ${key}`
  return row
}

export async function all(sql: Db): Promise<Analysis[]> {
  return [...(await sql<Analysis[]>`select ${analysisColumns(sql)} from po.analysis row order by key`)]
}

/**
 * One text with a line per analysis: the driver takes 20 times as long to parse 1,000 rows, and the server twice as long to
 * build JSON. Spellings are UUIDs, so they need no quotes. @see PoStore.listStates
 */
export async function allStates(sql: Db): Promise<AnalysisState[]> {
  const [row] = await sql<{ lines: string | null }[]>`
    select string_agg(state || ' ' || progress || ' ' || spelling, E'\\n' order by key) as lines from po.analysis`
  return row?.lines?.split('\n').map(toState) ?? []
}

function toState(line: string): AnalysisState {
  const [state, progress, spelling = ''] = line.split(' ')
  return { spelling, state: state as State, progress: Number(progress) }
}

/** The row, locked until the transaction ends. */
export async function locked(tx: Db, key: AnalysisKey): Promise<Analysis | undefined> {
  const [row] = await tx<Analysis[]>`
    select ${analysisColumns(tx)} from po.analysis row where key = ${key} for no key update`
  return row
}

async function endRun(tx: Db, { key, run }: Analysis, cause: string | null, now: Date): Promise<void> {
  await tx`
    update po.run set ended_at = ${now}, cause = ${cause}
    where key = ${key} and run = ${run} and ended_at is null`
}

async function addRun(tx: Db, { key, id }: Analysis, now: Date): Promise<number> {
  const [added] = await tx<[{ run: number }]>`
    with number as (
      update po.identity set last_run = last_run + 1 where id = ${id} returning last_run
    )
    insert into po.run (key, run, started_at) select ${key}::bigint, last_run, ${now} from number
    returning run`
  return added.run
}

const orElse = <T>(value: T | undefined, fallback: T): T => (value === undefined ? fallback : value)

/** Ends the current run and adds the next one. Resolves to the columns that change. */
async function runFields(tx: Db, before: Analysis, cause: string | null, now: Date) {
  await endRun(tx, before, cause, now)
  const run = await addRun(tx, before, now)
  const restarts = before.restarts + 1
  return { run, restarts, run_since: now, reapplied: false, silent_polls: 0, silent_since: null }
}

async function fields(tx: Db, before: Analysis, to: State, patch: AnalysisPatch, now: Date) {
  const cause = patch.cause == null ? orElse(patch.cause, before.cause) : storable(patch.cause)
  if (isLive(before.state) && !isLive(to)) await endRun(tx, before, cause, now)
  return {
    state: to,
    since: before.state === to ? before.since : now,
    cause,
    progress: Math.max(before.progress, percent(patch.progress ?? 0)),
    due_at: patch.dueAt ?? before.dueAt,
    claimed_until: orElse(patch.claimedUntil, before.claimedUntil),
    reapplied: patch.reapplied ?? before.reapplied,
    ...(patch.nextRun ? await runFields(tx, before, cause ?? before.cause, now) : {}),
  }
}

async function storeEvidence(tx: Db, { key }: Analysis, evidence: RunEvidence): Promise<void> {
  const stored = tx.json({
    ...evidence,
    cause: storable(evidence.cause),
    lastLines: evidence.lastLines.map(storable),
  })
  await tx`update po.run set evidence = ${stored} where key = ${key} and run = ${evidence.run}`
  await tx`update po.analysis set last_fault = ${stored} where key = ${key}`
}

async function storePolicies(tx: Db, { key, run }: Analysis, { policies }: AnalysisPatch): Promise<void> {
  if (!policies) return
  const digests = Object.entries(policies).map(([name, spec]) => [
    name,
    createHash('sha256').update(spec).digest('hex'),
  ])
  await tx`update po.run set policies = ${tx.json(Object.fromEntries(digests))} where key = ${key} and run = ${run}`
}

/** Runs in its own transaction. @see PoStore.transition */
export async function transition(
  tx: Db,
  key: AnalysisKey,
  from: readonly State[],
  to: State,
  patch: AnalysisPatch,
  run: RunNumber | undefined,
  clock: Clock,
): Promise<Analysis | undefined> {
  const before = await locked(tx, key)
  if (!before || !from.includes(before.state) || (run !== undefined && run !== before.run)) return undefined
  const now = clock()
  const changes = await fields(tx, before, to, patch, now)
  const isChange = to !== before.state || patch.nextRun === true
  const [after] = await tx<[Analysis]>`
    with row as (
      update po.analysis set ${tx(changes)} where key = ${key} returning *
    )${isChange ? tx`, change as (${recordMove(tx, now)})` : tx``}
    select ${analysisColumns(tx)} from row`
  if (patch.evidence) await storeEvidence(tx, before, patch.evidence)
  await storePolicies(tx, after, patch)
  await insertLines(tx, after, patch.lines ?? [], now)
  await insertReports(tx, after.id, patch.reports ?? [], now)
  if (patch.removal) await recordRemoval(tx, before, { archive: patch.removal.archive, logsTaken: false }, now)
  return after
}

/** Deletes a locked row. */
export async function forget(tx: Db, key: AnalysisKey, now: Date): Promise<void> {
  await tx`
    with row as (
      delete from po.analysis where key = ${key} returning *
    )
    ${recordForgotten(tx, now)}`
}

/** Runs in its own transaction. @see PoStore.abandon */
export async function abandon(tx: Db, key: AnalysisKey, clock: Clock): Promise<boolean> {
  const before = await locked(tx, key)
  if (before?.state !== 'starting') return false
  const now = clock()
  // Without its row no logs can be saved. The caller creates nothing more, so the removal need not wait for its lease.
  await recordRemoval(tx, { ...before, claimedUntil: null }, { archive: false, logsTaken: true }, now)
  await forget(tx, key, now)
  return true
}

export async function savePartners(sql: Db, key: AnalysisKey, partners: PartnerStatuses): Promise<void> {
  const stored = Object.entries(partners).map(([node, status]) => [storable(node).toWellFormed(), status])
  await sql`update po.analysis set partners = ${sql.json(Object.fromEntries(stored))} where key = ${key}`
}
