/** Silence: polls of analyses that failed in a row. */
import type { AnalysisKey, RunNumber } from '../model.ts'

/** Numbers of executing analyses, and of those among them whose last poll failed. */
export interface Silence {
  readonly heard: number
  readonly silent: number
}

/** Whether a run answered its last poll. An answer resets its silence timer. */
export type PollOutcome = 'heard' | 'silent'

/** Why all silence timers are reset: the loop did not poll for a while, or most analyses were silent, which is its own fault. */
export type ResetReason = 'stalled' | 'fault'

export interface SilenceStore {
  recordPoll(key: AnalysisKey, run: RunNumber, outcome: PollOutcome, at: Date): Promise<void>
  silence(): Promise<Silence>
  /** Resets all silence timers, and records the time of a fault. */
  resetSilenceTimers(at: Date, reason: ResetReason): Promise<void>
}
