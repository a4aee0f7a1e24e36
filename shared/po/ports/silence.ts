/** Silence: polls of analyses that failed in a row. */
import type { AnalysisKey, RunNumber } from '../model.ts'

/** Numbers of executing analyses, and of those among them whose last poll failed. */
export interface Silence {
  readonly heard: number
  readonly silent: number
}

export interface SilenceStore {
  /** Records the last poll of a run. `heard`: it answered, which resets its silence timer. */
  recordPoll(key: AnalysisKey, run: RunNumber, heard: boolean, at: Date): Promise<void>
  silence(): Promise<Silence>
  /** Resets all silence timers. `fault` also records that the silence was not the fault of the analyses. */
  resetSilenceTimers(at: Date, fault: boolean): Promise<void>
}
