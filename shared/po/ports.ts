/**
 * The ports of PO: what its use cases need, and the obligations of each adapter. Every adapter, sandbox part and fake passes
 * the conformance suite of its port (`test/conformance/`).
 *
 * Every call has a deadline and fails with a `Fault` (`shared/platform/fault.ts`): `unavailable` when the other system is down
 * or slow, `refused` when it rejects the request. A call does not retry unless its comment says so.
 */

import type { Log, Sink } from '../platform/ports.ts'
import type { AnalysisApi } from './ports/analysis-api.ts'
import type { Sign } from './ports/archive.ts'
import type { Broker } from './ports/broker.ts'
import type { PoCluster } from './ports/cluster.ts'
import type { Hub } from './ports/hub.ts'
import type { Identity } from './ports/identity.ts'
import type { MakeRecord } from './ports/record.ts'
import type { PoStore } from './ports/store.ts'
import type { PoSettings } from './settings.ts'

/** All ports. A use case takes only those that it names. */
export interface PoPorts {
  readonly store: PoStore
  readonly cluster: PoCluster
  readonly identity: Identity
  readonly hub: Hub
  readonly analysisApi: AnalysisApi
  readonly broker: Broker
  /** Null when no sink is configured. */
  readonly sink: Sink | null
  readonly sign: Sign
  readonly makeRecord: MakeRecord
  readonly log: Log
  readonly now: () => Date
  /** A number in 0..1, for jitter. */
  readonly random: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly settings: PoSettings
}
