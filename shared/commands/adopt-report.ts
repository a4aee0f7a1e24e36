/** The report of an adoption, as a table or as JSON. */
import type { Case, Survey } from '../po/adopt/survey.ts'
import { printable, tableOf } from './table.ts'

export type AdoptOutcome = { readonly done: true } | { readonly done: false; readonly error: string }

export interface AdoptReport {
  readonly namespace: string
  /** False for a dry run. */
  readonly applied: boolean
  readonly found: Survey
  /** Reasons not to begin. */
  readonly obstacles: readonly string[]
  readonly outcomes: ReadonlyMap<Case, AdoptOutcome>
}

const latest = ({ runs }: Case) => runs.at(-1) ?? runs[0]

const verdict = ({ decision }: Case): string =>
  decision.kind === 'finish' && decision.how !== 'clear' ? `finish as ${decision.outcome}` : decision.kind

function inCluster({ facts: { deployment, pods, objects } }: Case): string {
  if (!deployment && objects === 0) return 'nothing'
  return deployment ? `Deployment, ${pods} pod${pods === 1 ? '' : 's'}` : `${objects} objects, no Deployment`
}

function resultOf(outcome: AdoptOutcome | undefined): string {
  if (!outcome) return ''
  return outcome.done ? 'done' : `FAILED: ${outcome.error}`
}

const HEAD = ['ANALYSIS', 'RUN', 'WAS', 'IN THE CLUSTER', 'DECISION', 'WHY', 'RESULT']

const lineOf = (one: Case, outcome: AdoptOutcome | undefined): string[] =>
  [
    one.id,
    String(latest(one).run),
    `${one.facts.status || '-'}${one.facts.table === 'archive' ? ' (archive)' : ''}`,
    inCluster(one),
    verdict(one),
    one.decision.reason,
    resultOf(outcome),
  ].map(printable)

const listOf = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${printable(line)}`)]

const unreadableLine = ({ deployment, status, objects }: Survey['unreadable'][number]): string =>
  `${deployment || 'without a name'}, ${status || 'without a status'}${objects > 0 ? `, ${objects} objects are there` : ''}`

function sumOf({ found, outcomes, applied }: AdoptReport): string {
  const count = (kind: string) => found.cases.filter(({ decision }) => decision.kind === kind).length
  const counts = ['adopt', 'finish', 'skip', 'refuse'].map((kind) => `${count(kind)} ${kind}`).join(', ')
  if (!applied) return `${counts}. Nothing was changed.`
  const failed = [...outcomes.values()].filter(({ done }) => !done).length
  return `${counts}; ${outcomes.size - failed} done, ${failed} failed.`
}

export function renderTable(report: AdoptReport): string {
  const { namespace, found, obstacles, outcomes, applied } = report
  const rows = found.cases.map((one) => lineOf(one, outcomes.get(one)))
  return [
    `Analyses of the Python service in namespace ${namespace}:`,
    '',
    ...(rows.length > 0 ? tableOf([HEAD, ...rows]) : ['none']),
    ...listOf('Rows that cannot be recorded here, since their ids are no UUIDs:', found.unreadable.map(unreadableLine)),
    ...listOf('Objects that no row knows; nothing is done about them:', found.strangers),
    ...listOf(applied ? '' : 'Before it may be done:', obstacles),
    '',
    sumOf(report),
  ].join('\n')
}

export function renderJson({ namespace, applied, found, obstacles, outcomes }: AdoptReport): string {
  const analyses = found.cases.map((one) => {
    const { run, row } = latest(one)
    const { decision, facts } = one
    return {
      id: one.id,
      run,
      deployment: row.deployment,
      table: facts.table,
      status: facts.status,
      pods: facts.pods,
      objects: facts.objects,
      decision: decision.kind,
      ...(decision.kind === 'finish' && decision.how !== 'clear' ? { outcome: decision.outcome } : {}),
      reason: decision.reason,
      result: outcomes.get(one) ?? null,
    }
  })
  const { unreadable, strangers } = found
  return JSON.stringify({ namespace, applied, obstacles, analyses, unreadable, strangers }, null, 2)
}
