/** Claims: leases under which a process reconciles an analysis. */
import type { Analysis, AnalysisId, AnalysisKey } from '../model.ts'

export interface ClaimStore {
  /**
   * Claims live incarnations that are due and unclaimed, for `leaseMs`. Two callers never get the same one. Each claim raises
   * `unfinished` before the work begins. Incarnations with unfinished claims are left to `claimSuspects`.
   */
  claimDue(now: Date, leaseMs: number, limit: number): Promise<Analysis[]>
  /**
   * Claims a group of incarnations whose claims expired without `releaseClaims`: of those with the fewest unfinished claims, at
   * most `sizes[unfinished - 1]`, or the last size for larger numbers. Their lease doubles with each unfinished claim.
   */
  claimSuspects(now: Date, leaseMs: number, sizes: readonly number[]): Promise<Analysis[]>
  /**
   * Claims the current incarnation of one id in the same way, with or without unfinished claims; undefined when it is claimed,
   * not due, not live or gone.
   */
  claim(id: AnalysisId, now: Date, leaseMs: number): Promise<Analysis | undefined>
  /** Releases claims and resets `unfinished`. */
  releaseClaims(keys: readonly AnalysisKey[]): Promise<void>
  /** Ids of live incarnations that are due and unclaimed, oldest due time first. Claims nothing. */
  listDue(now: Date, limit: number): Promise<AnalysisId[]>
}
