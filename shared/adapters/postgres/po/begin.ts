/** The first step of a create: records an incarnation, or says what prevents it. */
import { type Analysis, type AnalysisId, type AnalysisSpec, isLive, parseAnalysisId } from '../../../po/model.ts'
import type { BeginResult, NewAnalysis, SpecField } from '../../../po/ports/analyses.ts'
import { analysisColumns, type Clock, type Db, later, percent, storable } from '../rows.ts'
import { currentOf } from './analyses.ts'
import { recordMove } from './changes.ts'
import { unreleasedOf } from './removals.ts'

/** Locks the identity row of an id, and inserts it if it is missing: concurrent calls for one id run one after the other. */
export async function lockIdentity(tx: Db, id: AnalysisId): Promise<number> {
  const [identity] = await tx<{ last: number }[]>`
    insert into po.identity as row (id) values (${id})
    on conflict (id) do update set last_run = row.last_run
    returning last_run as last`
  return identity?.last ?? 0
}

const canonical = (projectId: string): string => parseAnalysisId(projectId) ?? projectId

function differences(analysis: AnalysisSpec, input: AnalysisSpec): SpecField[] {
  const fields: SpecField[] = []
  if (canonical(analysis.projectId) !== canonical(input.projectId)) fields.push('project_id')
  if (analysis.image !== input.image) fields.push('image_url')
  if (analysis.registryHost !== input.registryHost) fields.push('registry_url')
  return fields
}

function besideLive(analysis: Analysis, input: NewAnalysis): BeginResult {
  const fields = differences(analysis, input)
  return fields.length > 0 ? { kind: 'differs', analysis, fields } : { kind: 'running', analysis }
}

async function isClientHeld(tx: Db, { id }: NewAnalysis, now: Date): Promise<boolean> {
  const held = await tx`select from po.removal where id = ${id} and client_held_until > ${now} limit 1`
  return held.length > 0
}

async function insert(tx: Db, input: NewAnalysis, run: number, now: Date): Promise<Analysis> {
  const [analysis] = await tx<[Analysis]>`
    with counted as (
      update po.identity set last_run = ${run} where id = ${input.id}
    ), row as (
      insert into po.analysis (
        id, spelling, project_id, image, registry_host, needs_kong, state, progress,
        first_run, run, since, run_since, due_at, claimed_until, created_at, requested_by
      ) values (
        ${input.id}, ${input.spelling}, ${input.projectId}, ${input.image}, ${input.registryHost}, ${input.needsKong},
        'starting', ${percent(input.progress)},
        ${run}, ${run}, ${now}, ${now}, ${now}, ${later(now, input.leaseMs)}, ${now},
        ${input.requestedBy === null ? null : storable(input.requestedBy)}
      ) returning *
    ), first as (
      insert into po.run (key, run, started_at) select key, run, run_since from row
    ), change as (${recordMove(tx, now)})
    select ${analysisColumns(tx)} from row`
  return analysis
}

const cleaned = (input: NewAnalysis): NewAnalysis => ({
  ...input,
  spelling: storable(input.spelling),
  projectId: storable(input.projectId),
  image: storable(input.image),
  registryHost: storable(input.registryHost),
})

/** Runs in its own transaction. @see PoStore.begin */
export async function begin(tx: Db, request: NewAnalysis, clock: Clock): Promise<BeginResult> {
  const input = cleaned(request)
  const lastRun = await lockIdentity(tx, input.id)
  const now = clock()
  const current = await currentOf(tx, input.id)
  if (current && isLive(current.state)) return besideLive(current, input)
  if (await isClientHeld(tx, input, now)) return { kind: 'busy' }
  const removal = await unreleasedOf(tx, input.id)
  if (removal) return { kind: 'unreleased', removal }
  if (current) return { kind: 'ended', analysis: current }
  const run = Math.max(lastRun, input.restartCounter) + 1
  return { kind: 'begun', analysis: await insert(tx, input, run, now) }
}
