/** Reads rows of the Python service: analyses by id, their runs in order, and the names of their objects. */
import { type AnalysisId, isUuid, parseAnalysisId, type RunNumber } from '../model.ts'
import type { FormerRow, MarkedKind } from '../ports/adopt.ts'

export interface FormerRun {
  readonly run: RunNumber
  readonly row: FormerRow
}

/** An analysis of the Python service, which has a row for each run. */
export interface Former {
  readonly id: AnalysisId
  /** In order of their numbers; the last one is current. */
  readonly runs: readonly [FormerRun, ...FormerRun[]]
}

export const latestOf = ({ runs }: Former): FormerRun => runs.at(-1) ?? runs[0]

/** The number at the end of a Deployment's name, or 1. */
function runOf({ deployment }: FormerRow): RunNumber {
  const number = Number(/-([0-9]{1,9})$/.exec(deployment)?.[1] ?? 1)
  return Math.max(1, number) as RunNumber
}

/** Of several rows with one number, the last one wins. */
function runsOf(rows: readonly FormerRow[]): Former['runs'] | undefined {
  const byNumber = new Map(rows.map((row) => [runOf(row), row]))
  const [first, ...rest] = [...byNumber].map(([run, row]) => ({ run, row })).toSorted((a, b) => a.run - b.run)
  return first && [first, ...rest]
}

interface Formers {
  /** Archived rows first, each on its own, then the current analyses. */
  readonly readable: readonly Former[]
  readonly unreadable: readonly FormerRow[]
}

export function formersOf(rows: readonly FormerRow[]): Formers {
  const readable = rows.filter(({ analysisId }) => isUuid(analysisId))
  const archived = readable.filter(({ table }) => table === 'archive').map((row) => [row])
  const current = Map.groupBy(
    readable.filter(({ table }) => table === 'analysis'),
    ({ analysisId }) => parseAnalysisId(analysisId),
  )
  return {
    readable: [...archived, ...current.values()].flatMap((group) => {
      const id = parseAnalysisId(group[0]?.analysisId ?? '')
      const runs = runsOf(group)
      return id && runs ? [{ id, runs }] : []
    }),
    unreadable: rows.filter(({ analysisId }) => !isUuid(analysisId)),
  }
}

type Part = readonly [kind: Exclude<MarkedKind, 'Pod' | 'ReplicaSet'>, name: string]

export const formerProxy = (deployment: string): string => `nginx-${deployment}`
export const formerPolicy = (deployment: string): string => `nginx-to-${deployment}-policy`

export const analysisParts = (deployment: string): readonly Part[] => [
  ['Deployment', deployment],
  ['Service', deployment],
]

export const proxyParts = (deployment: string): readonly Part[] => [
  ['Deployment', formerProxy(deployment)],
  ['Service', formerProxy(deployment)],
  ['ConfigMap', `${formerProxy(deployment)}-config`],
]

export const formerParts = (deployment: string): readonly Part[] => [
  ...analysisParts(deployment),
  ...proxyParts(deployment),
  ['NetworkPolicy', formerPolicy(deployment)],
]
