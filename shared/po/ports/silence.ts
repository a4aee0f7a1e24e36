/** Silence: polls of analyses that failed, one after the other. */
import type { AnalysisKey, RunNumber } from '../model.ts'

/** How many analyses that had been heard of in their run there are, and how many of them do not answer at present. */
export interface Silence {
  readonly heard: number
  readonly silent: number
}

export interface SilenceStore {
  /** Records how the last poll of a run went: `heard` clears the silence, otherwise it grows. */
  recordPoll(key: AnalysisKey, run: RunNumber, heard: boolean, at: Date): Promise<void>
  /** Executing analyses, and those of them whose last poll failed. */
  silence(): Promise<Silence>
  /** All silences begin anew; with `fault` it is remembered that the fault was ours. */
  resetSilenceTimers(at: Date, fault: boolean): Promise<void>
}
