/**
 * The ports of the DT use cases and the obligations of adapters. Every adapter, sandbox part and fake passes the conformance
 * suite of its port (`test/conformance/`).
 *
 * All calls have a deadline and fail with a `Fault` (`shared/platform/fault.ts`): `unavailable` when the other side is down or
 * slow, `refused` when it refuses the request. No call retries unless its comment says so.
 */

import type { Grant } from '../files/model.ts'
import type { Log, Sink } from '../platform/ports.ts'
import type { ServiceId } from './model.ts'
import type { DtCluster } from './ports/cluster.ts'
import type { DtStore } from './ports/store.ts'
import type { DtSettings } from './settings.ts'

export interface RunGrant extends Grant {
  readonly serviceId: ServiceId
}

/** All ports; each use case takes the ones it names. */
export interface DtPorts {
  readonly store: DtStore
  readonly cluster: DtCluster
  /** Null when no sink is configured. */
  readonly sink: Sink | null
  /** The token with which the programs beside a run fetch inputs and upload outputs; the same at each call. */
  readonly tokenOf: (grant: RunGrant) => string
  readonly newId: () => ServiceId
  readonly collectGarbage: () => Promise<void>
  readonly log: Log
  readonly now: () => Date
  readonly random: () => number
  readonly settings: DtSettings
}
