/**
 * What the use cases of DT need from the world, and what each adapter owes them. Every adapter, sandbox part and fake
 * passes the conformance suite of its port (`test/conformance/`).
 *
 * All calls have a deadline of their own and fail with a `Fault` (`shared/platform/fault.ts`): `unavailable` when the other side
 * is away or slow, `refused` when it says no. No call retries on its own unless its comment says so.
 */

import type { Log, Sink } from '../platform/ports.ts'
import type { ServiceId } from './model.ts'
import type { DtCluster } from './ports/cluster.ts'
import type { DtStore } from './ports/store.ts'
import type { DtSettings } from './settings.ts'

/** What the token of a run is for. */
export interface RunGrant {
  readonly serviceId: ServiceId
  /** Of its resource. */
  readonly uid: string
  readonly step: 'replication' | 'fan-in'
  /** Null: each firing, where one template makes the pods of all. */
  readonly firing: number | null
  readonly index: number
  /** Attempts after the first. */
  readonly retries: number
}

/** Everything a use case may ask for; each takes only what it names. */
export interface DtPorts {
  readonly store: DtStore
  readonly cluster: DtCluster
  /** Null when no sink is configured. */
  readonly sink: Sink | null
  /** The token by which the programs beside a run fetch inputs and send outputs; the same at each call. */
  readonly tokenOf: (grant: RunGrant) => string
  readonly newId: () => ServiceId
  /** Clears away bytes that nobody has any more. */
  readonly collectGarbage: () => Promise<void>
  readonly log: Log
  readonly now: () => Date
  readonly random: () => number
  readonly settings: DtSettings
}
