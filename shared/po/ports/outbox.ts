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
   * Claims the oldest undelivered report of each analysis if it is due. The lease is `leaseMs`, doubled with each unfinished
   * attempt. A report with an unfinished attempt is claimed alone, after all others. Each claim counts as an attempt.
   */
  claimReports(now: Date, leaseMs: number, limit: number, id?: AnalysisId): Promise<PendingReport[]>
  /** Deletes a report that was delivered or refused. */
  settleReport(seq: string): Promise<void>
  postponeReports(id: AnalysisId, dueAt: Date): Promise<void>
  /** Makes all postponed reports due, because the Hub answers again. */
  retryReportsNow(now: Date): Promise<void>
  /**
   * Keeps the newest `limit` undelivered log lines per analysis. One line replaces the others and gives their number, earlier
   * calls included. Statuses stay. Resolves to the number of deleted lines.
   */
  capReports(limit: number): Promise<number>
  /**
   * Claims the oldest unpublished change of each analysis if it is due, for `leaseMs`. Every transaction that changes the state
   * of an incarnation also records the change.
   */
  claimChanges(now: Date, leaseMs: number, limit: number): Promise<PendingAnalysisChange[]>
  /** Deletes a change that was published or refused. */
  settleChange(seq: string): Promise<void>
  postponeChanges(id: AnalysisId, dueAt: Date): Promise<void>
  /** Deletes all changes; called when there is no sink. */
  dropChanges(): Promise<void>
}
