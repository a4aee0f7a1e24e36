/** What is known about the isolation of runs. */
import type { IsolationReport } from '../../platform/isolation.ts'
import type { Analysis, AnalysisId, AnalysisKey, RunNumber } from '../model.ts'

export interface IsolationState {
  /** What a run or a probe could reach and must not, in words; null if nothing is known of that. */
  readonly breach: string | null
  /** When a probe of the loop last proved that nothing is open. */
  readonly provenAt: Date | null
}

export interface IsolationStore {
  isolation(): Promise<IsolationState>
  /** Records that isolation is not enforced. It stays recorded until `recordProof`. */
  recordBreach(breach: string, at: Date): Promise<void>
  /** Records a proof by a probe of the loop. */
  recordProof(at: Date): Promise<void>
  /** Stores the proof of a run. The first one stays. */
  saveRunProof(key: AnalysisKey, run: RunNumber, report: IsolationReport): Promise<void>
  /** The current run of the live analysis that was created last, other than this one. */
  neighbour(id: AnalysisId): Promise<Pick<Analysis, 'id' | 'run'> | undefined>
}
