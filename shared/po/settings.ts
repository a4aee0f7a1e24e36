/** The configuration of the use cases, as plain values. */
import type { DnsPeer } from '../platform/dns-egress.ts'
import type { IsolationTarget } from '../platform/isolation.ts'
import type { LineLimits } from './model.ts'

export interface Budgets {
  readonly startupSeconds: number
  readonly silenceSeconds: number
  /** How long an image that cannot be pulled is retried. */
  readonly pullSeconds: number
  /** How long a run waits for a partner that has not started. */
  readonly partnerSeconds: number
}

export interface RunSettings {
  readonly namespace: string
  readonly clusterDomain: string
  readonly resolver: string
  readonly dnsPeers: readonly DnsPeer[]
  readonly nginxImage: string
  readonly netStatsImage: string | null
  /** How isolation is proven before an analysis starts; null: not at all. */
  readonly isolation: IsolationSettings | null
  readonly podSecurity: 'baseline' | 'restricted'
  readonly cpuRequest: string
  readonly cpuLimit: string
  readonly memoryRequest: string
  readonly memoryLimit: string
  /** Ephemeral storage: everything outside of volumes, container logs included. */
  readonly diskLimit: string
  /** `auto`: `Always`, or `IfNotPresent` for an image that is pinned by digest. */
  readonly pullPolicy: 'auto' | 'IfNotPresent' | 'Always'
  /** PriorityClass of its pods; empty for the cluster's default. */
  readonly priorityClass: string
  readonly node: string
}

export interface IsolationSettings {
  /** Image with the program. */
  readonly image: string
  /** What is outside of the cluster and answers. */
  readonly outside: readonly IsolationTarget[]
}

export interface LogBounds {
  /** Of one line; a longer one loses its middle. */
  readonly lineBytes: number
  readonly lines: LineLimits
  /** Of the log of one container; its end is stored. */
  readonly containerBytes: number
  /** Of all container logs of an analysis. */
  readonly containersBytes: number
}

export interface PoSettings {
  readonly run: RunSettings
  /** Defaults for create requests with empty registry fields. */
  readonly registry: { readonly url: string; readonly user: string; readonly password: string }
  readonly hubLogging: boolean
  readonly intervalSeconds: number
  readonly restartMax: number
  readonly budgets: Budgets
  /** How often isolation is proven by a pod of the loop while analyses run. */
  readonly canarySeconds: number
  /** A sweep publishes an event per analysis instead of reconciling them itself. */
  readonly fanout: boolean
  /** Log lines kept per analysis while the Hub does not answer. */
  readonly hubBacklogLines: number
  /** Age from which the sweep removes an object without a row. */
  readonly zombieGraceSeconds: number
  readonly archive: { readonly maxAgeDays: number; readonly maxMiB: number }
  readonly logs: LogBounds
}
