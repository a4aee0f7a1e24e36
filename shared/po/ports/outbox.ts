/** Outboxes: reports to the Hub, and changes for the event sink. */
import type { Pending } from '../../platform/ports.ts'
import type { AnalysisChange, AnalysisId, Report } from '../model.ts'

export interface PendingReport extends Pending {
  readonly id: AnalysisId
  readonly report: Report
}

export interface PendingAnalysisChange extends Pending {
  readonly change: AnalysisChange
}

export interface OutboxStore {
  /** Appends reports about an id, whether or not it has a current incarnation. */
  appendReports(id: AnalysisId, reports: readonly Report[]): Promise<void>
  /**
   * The oldest undelivered report of each analysis that is due, claimed for `leaseMs`, doubled with each unfinished attempt;
   * each claim is counted as begun. One of which an attempt is unfinished is claimed alone, when there is no other.
   */
  claimReports(now: Date, leaseMs: number, limit: number, id?: AnalysisId): Promise<PendingReport[]>
  /** Delivered, or refused for good with the reason: it is not sent again. */
  settleReport(seq: string, refused?: string): Promise<void>
  /** Every report of this analysis waits until then. */
  postponeReports(id: AnalysisId, dueAt: Date): Promise<void>
  /** What waits after failed attempts is due now: the Hub was heard of again. */
  retryReportsNow(now: Date): Promise<void>
  /**
   * Keeps at most `limit` undelivered log lines per analysis, the newest; one line in the place of the others says how
   * many they were, those of earlier calls counted. Statuses stay. Resolves to how many lines went.
   */
  capReports(limit: number): Promise<number>
  /**
   * The oldest change of each analysis that is due and not told yet, claimed for `leaseMs`. Each change of an
   * incarnation's state is recorded with it, in one transaction, whatever made it.
   */
  claimChanges(now: Date, leaseMs: number, limit: number): Promise<PendingAnalysisChange[]>
  /** Told: it is forgotten. */
  settleChange(seq: string): Promise<void>
  /** Every change of this analysis waits until then. */
  postponeChanges(id: AnalysisId, dueAt: Date): Promise<void>
  /** Forgets all changes: there is nobody to tell. */
  dropChanges(): Promise<void>
}
