/**
 * Records the end of an analysis with its reports and its removal in one transaction. `releaseByKey` then carries out the
 * removal.
 */
import {
  type Analysis,
  LIVE_STATES,
  type LogLine,
  type Outcome,
  type Report,
  type RunEvidence,
  type State,
} from './model.ts'
import type { AnalysisPatch } from './ports/analyses.ts'
import type { PoPorts } from './ports.ts'
import { outcomeReport } from './report.ts'

export interface End {
  readonly outcome: Outcome
  readonly cause: string
  readonly archive: boolean
  /** A line for its log and for the Hub, reported before the final status. */
  readonly line?: LogLine
  readonly evidence?: RunEvidence
}

/** A stopped analysis is `stopping` until its objects are gone; the other outcomes are states at once. */
const stateOf = (outcome: Outcome): State => (outcome === 'stopped' ? 'stopping' : outcome)

function endPatch(
  { outcome, cause, archive, line, evidence }: End,
  analysis: Analysis,
  hubLogging: boolean,
): AnalysisPatch {
  const reports: Report[] = []
  if (line && hubLogging) reports.push({ kind: 'log', level: line.level, message: line.message, status: outcome })
  reports.push(outcomeReport(outcome, analysis.progress))
  return {
    cause,
    reports,
    removal: { archive },
    claimedUntil: null,
    ...(line ? { lines: [line] } : {}),
    ...(evidence ? { evidence } : {}),
    ...(outcome === 'executed' ? { progress: 100 } : {}),
  }
}

/**
 * Records the end of a live analysis if it is still in one of the states `from`.
 * @returns the changed analysis, or undefined when another process moved it first
 */
export function recordEnd(
  { store, settings }: Pick<PoPorts, 'store' | 'settings'>,
  analysis: Analysis,
  end: End,
  from: readonly State[] = LIVE_STATES,
): Promise<Analysis | undefined> {
  const patch = endPatch(end, analysis, settings.hubLogging)
  return store.transition(analysis.key, from, stateOf(end.outcome), patch)
}
