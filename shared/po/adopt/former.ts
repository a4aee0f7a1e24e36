/** What the rows of the Python service say: analyses by id, their runs in order, and the names of their objects. */
import { type AnalysisId, parseAnalysisId, type RunNumber } from '../model.ts'
import type { FormerRow, MarkedKind } from '../ports/adopt.ts'

export interface FormerRun {
  readonly run: RunNumber
  readonly row: FormerRow
}

/** An analysis of the Python service: what it keeps after restarts is a row for each. */
export interface Former {
  readonly id: AnalysisId
  /** In order of their numbers; the last one counts. */
  readonly runs: readonly [FormerRun, ...FormerRun[]]
}

export const latestOf = ({ runs }: Former): FormerRun => runs.at(-1) ?? runs[0]

/** The number at the end of a Deployment's name; names without one are of a first run. */
function runOf({ deployment }: FormerRow): RunNumber {
  const number = Number(/-([0-9]{1,9})$/.exec(deployment)?.[1] ?? 1)
  return Math.max(1, number) as RunNumber
}

/** Of two rows with one number the later one counts. */
function runsOf(rows: readonly FormerRow[]): Former['runs'] | undefined {
  const byNumber = new Map(rows.map((row) => [runOf(row), row]))
  const [first, ...rest] = [...byNumber].map(([run, row]) => ({ run, row })).toSorted((a, b) => a.run - b.run)
  return first && [first, ...rest]
}

interface Formers {
  /** Those of the archive, each row by itself, before those of which there may be more to do. */
  readonly readable: readonly Former[]
  /** Rows whose id is no UUID. */
  readonly unreadable: readonly FormerRow[]
}

export function formersOf(rows: readonly FormerRow[]): Formers {
  const named = rows.flatMap((row) => {
    const id = parseAnalysisId(row.analysisId)
    return id ? [{ id, row }] : []
  })
  const archived = named.filter(({ row }) => row.table === 'archive')
  const current = Map.groupBy(
    named.filter(({ row }) => row.table === 'analysis'),
    ({ id }) => id,
  )
  const former = (id: AnalysisId, of: readonly FormerRow[]): Former[] => {
    const runs = runsOf(of)
    return runs ? [{ id, runs }] : []
  }
  return {
    readable: [
      ...archived.flatMap(({ id, row }) => former(id, [row])),
      ...[...current].flatMap(([id, of]) =>
        former(
          id,
          of.map(({ row }) => row),
        ),
      ),
    ],
    unreadable: rows.filter(({ analysisId }) => !parseAnalysisId(analysisId)),
  }
}

type Part = readonly [kind: Exclude<MarkedKind, 'Pod' | 'ReplicaSet'>, name: string]

export const formerProxy = (deployment: string): string => `nginx-${deployment}`
export const formerPolicy = (deployment: string): string => `nginx-to-${deployment}-policy`

/** The analysis itself, as it was deployed. */
export const analysisParts = (deployment: string): readonly Part[] => [
  ['Deployment', deployment],
  ['Service', deployment],
]

/** Its proxy. */
export const proxyParts = (deployment: string): readonly Part[] => [
  ['Deployment', formerProxy(deployment)],
  ['Service', formerProxy(deployment)],
  ['ConfigMap', `${formerProxy(deployment)}-config`],
]

/** Everything that was deployed for a row. */
export const partsOf = (deployment: string): readonly Part[] => [
  ...analysisParts(deployment),
  ...proxyParts(deployment),
  ['NetworkPolicy', formerPolicy(deployment)],
]
