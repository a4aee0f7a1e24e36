/** What the objects of a run depend on, as plain values. Secrets are not among it: a restart has none. */
import type { AnalysisId, RunNumber } from '../model.ts'
import type { Peer, PeerService } from '../ports/cluster.ts'
import type { RunSettings } from '../settings.ts'

/** `Secret`: the root of an analysis that version 0.1 made. */
export type RootKind = 'ConfigMap' | 'Secret'

export interface RunInput {
  readonly id: AnalysisId
  readonly run: RunNumber
  /** First run of the incarnation: root and credentials bear this number. */
  readonly firstRun: RunNumber
  readonly rootKind: RootKind
  readonly projectId: string
  readonly image: string
  readonly needsKong: boolean
  /** Peers that are there; the proxy answers 503 for the others. */
  readonly peers: Readonly<Partial<Record<Peer, PeerService>>>
  readonly settings: RunSettings
}
