/** Removals of what incarnations own outside the database. */
import type { AnalysisId, AnalysisKey, Removal } from '../model.ts'

export type ClientHold = 'held' | 'needed' | 'busy'

export interface RemovalStore {
  /** Claims due removals without an unfinished attempt. Each claim counts as an attempt. */
  claimRemovals(now: Date, leaseMs: number, limit: number): Promise<Removal[]>
  /**
   * Claims one due removal with unfinished attempts, during each of which a process died: the one with the fewest. Its lease
   * doubles with each of them.
   */
  claimSuspectRemoval(now: Date, leaseMs: number): Promise<Removal | undefined>
  /** Claims the removal of one incarnation, due or not; undefined when there is none or it is claimed. */
  claimRemoval(key: AnalysisKey, now: Date, leaseMs: number): Promise<Removal | undefined>
  /** Removals that are not complete, due or not. */
  pendingRemovals(): Promise<Removal[]>
  markLogsTaken(key: AnalysisKey): Promise<void>
  /** Records that the root is deleted or being deleted, and cannot appear later: another incarnation of the id may begin. */
  markRootRemoved(key: AnalysisKey): Promise<void>
  /** Postpones the removal and raises `attempts`. Its due time stays if `archive` was set since the claim. */
  postponeRemoval(removal: Pick<Removal, 'key' | 'archive'>, dueAt: Date): Promise<void>
  /** Deletes the removal, unless it still has to archive the incarnation: then it is due again. */
  completeRemoval(key: AnalysisKey): Promise<void>
  /**
   * Claims the Keycloak client of an id for its deletion, for `leaseMs`. `needed`: a live incarnation uses it. `busy`: it is
   * claimed, even if for the same removal, because a deletion under that claim may still arrive. Meanwhile `begin` of the id
   * resolves to `busy`.
   */
  claimClient(key: AnalysisKey, id: AnalysisId, now: Date, leaseMs: number): Promise<ClientHold>
  /** Releases the claim. No later attempt removes a client again that is recorded as `removed`. */
  releaseClientClaim(key: AnalysisKey, client: 'removed' | 'left'): Promise<void>
}
