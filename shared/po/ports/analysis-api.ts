/** The analysis's own API, reached through its proxy. */
import type { AnalysisId, PartnerStatuses, RunNumber } from '../model.ts'

/** Statuses in the SDK's `/healthz`. Any other is read as `unknown`. */
export const SDK_STATUSES = ['executing', 'executed', 'stuck', 'stopped', 'failed', 'starting', 'unknown'] as const

export type SdkStatus = (typeof SDK_STATUSES)[number]

export interface Health {
  readonly status: SdkStatus
  /** Seconds; null if the answer has none. */
  readonly tokenRemaining: number | null
}

export interface AnalysisApi {
  healthz(id: AnalysisId, run: RunNumber): Promise<Health>
  refreshToken(id: AnalysisId, run: RunNumber, token: string): Promise<void>
  sendPartnerStatuses(id: AnalysisId, run: RunNumber, statuses: PartnerStatuses): Promise<void>
}
