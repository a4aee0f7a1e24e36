/** Claims: who works on an analysis, and until when. */
import type { Analysis, AnalysisId, AnalysisKey } from '../model.ts'

export interface ClaimStore {
  /**
   * Claims live incarnations that are due and unclaimed, for `leaseMs`. Two callers never get the same one. Each claim raises
   * `unfinished`, and so is counted before the work begins; incarnations that have some unfinished already are left to
   * `claimSuspects`.
   */
  claimDue(now: Date, leaseMs: number, limit: number): Promise<Analysis[]>
  /**
   * Claims a group of those whose earlier claims ended without `releaseClaims`: of those with the fewest unfinished, at most
   * `sizes[unfinished - 1]`, the last size serving all larger numbers. Their lease doubles with each unfinished claim.
   */
  claimSuspects(now: Date, leaseMs: number, sizes: readonly number[]): Promise<Analysis[]>
  /**
   * Claims the current incarnation of one id, whatever is unfinished, as the other two do; undefined when it is claimed, not
   * due, not live or gone.
   */
  claim(id: AnalysisId, now: Date, leaseMs: number): Promise<Analysis | undefined>
  /** Ends claims: nothing of them is unfinished. */
  releaseClaims(keys: readonly AnalysisKey[]): Promise<void>
  /** Ids of what `claimDue` would claim, oldest due first; nothing is claimed. */
  listDue(now: Date, limit: number): Promise<AnalysisId[]>
}
