/** Input of the builders of a run's objects, as plain values. It has no secrets, because a restart has none. */
import type { Analysis } from '../model.ts'
import type { AnalysisRunRef } from '../names.ts'
import type { Peer, PeerService } from '../ports/cluster.ts'
import type { RunSettings } from '../settings.ts'

/** `Secret`: the root of an analysis that version 0.1 created. */
export type RootKind = 'ConfigMap' | 'Secret'

export interface RunInput extends Pick<Analysis, 'id' | 'run' | 'firstRun' | 'projectId' | 'image' | 'needsKong'> {
  readonly rootKind: RootKind
  /** Peers that exist; the proxy answers 503 for the others. */
  readonly peers: Readonly<Partial<Record<Peer, PeerService>>>
  /** A run of another analysis, which this one must not reach; null if there is none. */
  readonly neighbour: AnalysisRunRef | null
  readonly settings: RunSettings
}
