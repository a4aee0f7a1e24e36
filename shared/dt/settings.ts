/** Configuration of the use cases as plain values, made once by `wire/dt.ts`. */

import type { DnsPeer } from '../platform/dns-egress.ts'
import type { ResourceSettings } from '../platform/objects.ts'

/** An allowed destination of runs: pods with a label, or addresses, on one port. */
export interface Egress {
  readonly to: { readonly label: readonly [key: string, value: string] } | { readonly cidr: string }
  readonly port: number
}

/** Configuration of the objects of a service. */
export interface ServiceSettings extends ResourceSettings {
  readonly namespace: string
  readonly clusterDomain: string
  /** Our image, with the programs that fetch inputs and upload outputs. */
  readonly toolsImage: string
  /** URL of `run-input` and `run-output` for these programs. */
  readonly runsUrl: string
  readonly podSecurity: 'baseline' | 'restricted'
  /** PriorityClass of pods; empty: that of the cluster. Serving takes none for persistent services. */
  readonly priorityClass: string
  /** Size of `/output`, and of `/input`, as Kubernetes writes it; empty: no limit. */
  readonly outputLimit: string
  /** Files that a run may leave. */
  readonly outputFiles: number
  /** Time for uploading the outputs of a run. */
  readonly graceSeconds: number
  /** Runs of one service at the same time. */
  readonly parallelism: number
  readonly retries: number
  /** Of a Job whose outcome is recorded. */
  readonly ttlSeconds: number
  /** Ended Jobs of a scheduled service, of each outcome, that Kubernetes keeps until they are recorded. */
  readonly jobBacklog: number
  readonly historyLimit: number
  readonly egress: readonly Egress[]
  readonly dnsPeers: readonly DnsPeer[]
  /** Of an image of others; `auto`: `Always`, but `IfNotPresent` where a digest says which image it is. */
  readonly pullPolicy: 'auto' | 'IfNotPresent' | 'Always'
  /** Seconds that an attempt of a run may take; 0: no limit. */
  readonly runMaxSeconds: number
  /** Variables of old images that expect a Mongo server. */
  readonly mongo: boolean
}

export interface DtSettings {
  readonly service: ServiceSettings
  readonly intervalSeconds: number
  /** Seconds after which a Job is ended if none of its pods can start. */
  readonly startBudgetSeconds: number
  /** Runs of all services at the same time; 0: as many as the cluster takes. */
  readonly maxRuns: number
  /** Days from the end of a service to its removal; 0: never. */
  readonly retentionDays: number
  /** Outputs of a terminated service. */
  readonly outputsAfterTerminate: 'delete' | 'keep'
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** Whole bytes of a Kubernetes quantity; none is no limit. */
export function bytesOf(quantity: string): number {
  const { number = '', unit = '' } = /^(?<number>[0-9.]+)(?<unit>[A-Za-z]*)$/.exec(quantity)?.groups ?? {}
  return number === '' ? Number.POSITIVE_INFINITY : Math.floor(Number(number) * (UNITS[unit] ?? Number.NaN))
}
