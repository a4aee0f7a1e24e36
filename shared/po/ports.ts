/**
 * What the use cases of PO need from the world, and what each adapter owes them. Every adapter, sandbox part and fake
 * passes the conformance suite of its port (`test/conformance/`).
 *
 * All calls have a deadline of their own and fail with a `Fault` (`shared/platform/fault.ts`): `unavailable` when the other side
 * is away or slow, `refused` when it says no. No call retries on its own unless its comment says so.
 */

import type { Log, Sink } from '../platform/ports.ts'
import type { AnalysisApi } from './ports/analysis-api.ts'
import type { Sign } from './ports/archive.ts'
import type { Broker } from './ports/broker.ts'
import type { PoCluster } from './ports/cluster.ts'
import type { Hub } from './ports/hub.ts'
import type { Identity } from './ports/identity.ts'
import type { PoStore } from './ports/store.ts'
import type { PoSettings } from './settings.ts'

/** Everything a use case may ask for; each takes only what it names. */
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
  readonly log: Log
  readonly now: () => Date
  /** A number in 0..1, for jitter. */
  readonly random: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly settings: PoSettings
}
