/** What is known about the isolation of runs. */
import type { IsolationReport } from '../../platform/isolation.ts'
import type { Analysis, AnalysisId, AnalysisKey, RunNumber } from '../model.ts'

export interface IsolationState {
  /** What a run or a probe could reach and must not, in words; null if nothing is known of that. */
  readonly breach: string | null
  /** When a probe of the loop last proved that nothing is open. */
  readonly provenAt: Date | null
}

/** What the kubelet reports of a run; null for what is not known yet. */
export interface RunFacts {
  readonly proof: IsolationReport | null
  /** `sha256:` and 64 hexadecimal digits. */
  readonly imageDigest: string | null
}

export interface IsolationStore {
  isolation(): Promise<IsolationState>
  /** Records that isolation is not enforced. It stays recorded until `recordProof`. */
  recordBreach(breach: string, at: Date): Promise<void>
  /** Records a proof by a probe of the loop. */
  recordProof(at: Date): Promise<void>
  /** Stores what the kubelet reported of a run. What is stored already stays. */
  saveRunFacts(key: AnalysisKey, run: RunNumber, facts: RunFacts): Promise<void>
  /** The current run of the live analysis that was created last, other than this one. */
  neighbour(id: AnalysisId): Promise<Pick<Analysis, 'id' | 'run'> | undefined>
}
