/** Removals: what an incarnation still owns outside the database. */
import type { AnalysisId, AnalysisKey, Removal } from '../model.ts'

export type ClientHold = 'held' | 'needed' | 'busy'

export interface RemovalStore {
  /** Claims removals that are due and of which no attempt is unfinished; each claim is counted as begun. */
  claimRemovals(now: Date, leaseMs: number, limit: number): Promise<Removal[]>
  /**
   * Claims the removal that is due and has the fewest unfinished attempts, but some: a process died during each of these. Its
   * lease doubles with each of them.
   */
  claimSuspectRemoval(now: Date, leaseMs: number): Promise<Removal | undefined>
  /** The removal of one incarnation, claimed; undefined when there is none or somebody has it. */
  claimRemoval(key: AnalysisKey, now: Date, leaseMs: number): Promise<Removal | undefined>
  /** Removals that are not complete, due or not. */
  pendingRemovals(): Promise<Removal[]>
  markLogsTaken(key: AnalysisKey): Promise<void>
  /** The root was asked to go, or can come no more: the id is free for another incarnation. */
  markRootRemoved(key: AnalysisKey): Promise<void>
  /** Tries again then and raises `attempts`; a wish to archive that came since it was claimed keeps it due as it is. */
  postponeRemoval(removal: Pick<Removal, 'key' | 'archive'>, dueAt: Date): Promise<void>
  /** Forgets the removal, unless it is to archive and the incarnation is still there: then it is due again. */
  completeRemoval(key: AnalysisKey): Promise<void>
  /**
   * Takes the sole right to delete the Keycloak client of an id for `leaseMs`. `needed`: a live incarnation exists, the
   * client is its. `busy`: somebody holds the right, be it for the same removal, since a deletion of theirs may still
   * arrive. While it is held, `begin` of that id answers `busy`.
   */
  claimClient(key: AnalysisKey, id: AnalysisId, now: Date, leaseMs: number): Promise<ClientHold>
  /** Gives that right up; `removed` is remembered in the removal, so that no later attempt does it again. */
  releaseClientClaim(key: AnalysisKey, removed: boolean): Promise<void>
}
