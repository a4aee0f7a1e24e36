/**
 * Ends an analysis: the end and what follows from it are recorded in one transaction, then the removal is carried out.
 * Used by every way an analysis can end: callers, the sweep, cleanup.
 */
import { type Analysis, LIVE_STATES, type LogLine, type Outcome, type Report, type State } from './model.ts'
import type { AnalysisPatch } from './ports/analyses.ts'
import type { PoPorts } from './ports.ts'
import { type ReleasePorts, releaseByKey } from './release.ts'
import { outcomeReport } from './report.ts'

export interface End {
  readonly outcome: Outcome
  readonly cause: string
  readonly archive: boolean
  /** A line for its log and the Hub, before the terminal status. */
  readonly line?: LogLine
}

/** Stopped analyses pass through `stopping` until their objects are gone; the other ends are states at once. */
const stateOf = (outcome: Outcome): State => (outcome === 'stopped' ? 'stopping' : outcome)

function endPatch({ outcome, cause, archive, line }: End, analysis: Analysis, hubLogging: boolean): AnalysisPatch {
  const told: Report[] = []
  if (line && hubLogging) told.push({ kind: 'log', level: line.level, message: line.message, status: outcome })
  told.push(outcomeReport(outcome, analysis.progress))
  return {
    cause,
    reports: told,
    removal: { archive },
    claimedUntil: null,
    ...(line ? { lines: [line] } : {}),
    ...(outcome === 'executed' ? { progress: 100 } : {}),
  }
}

/**
 * Records the end of a live analysis, if it still is where `from` says.
 * @returns the analysis as it is now, or undefined when somebody else moved it first
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

/** Carries out the removal that an end has recorded. */
export const carryOutEnd = (ports: ReleasePorts, analysis: Analysis): Promise<void> => releaseByKey(ports, analysis.key)
