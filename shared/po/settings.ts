/** What the use cases are told by configuration; plain values, made once by `wire.ts`. */
import type { DnsPeer } from '../platform/dns-egress.ts'
import type { LineLimits } from './model.ts'

export interface Budgets {
  readonly startupSeconds: number
  readonly silenceSeconds: number
}

/** Images, resources and places that the objects of a run are built from. */
export interface RunSettings {
  readonly namespace: string
  readonly clusterDomain: string
  /** Address of the resolver that the proxies ask. */
  readonly resolver: string
  /** Name servers that its policies let it ask. */
  readonly dnsPeers: readonly DnsPeer[]
  readonly nginxImage: string
  readonly netStatsImage: string | null
  readonly podSecurity: 'baseline' | 'restricted'
  readonly cpuRequest: string
  readonly cpuLimit: string
  readonly memoryRequest: string
  readonly memoryLimit: string
  /** Of everything that is written outside of volumes, container logs included. */
  readonly diskLimit: string
  /** `auto` asks the registry at each start, unless the image is pinned by digest. */
  readonly pullPolicy: 'auto' | 'IfNotPresent' | 'Always'
  /** PriorityClass of its pods; empty for the cluster's default. */
  readonly priorityClass: string
  /** Logical name of this node; empty when it has none. */
  readonly node: string
}

/** How much is kept of what analyses say. */
export interface LogBounds {
  /** Of one line; the middle of a longer one is left out. */
  readonly lineBytes: number
  readonly lines: LineLimits
  /** Of the log of one container: its end. */
  readonly containerBytes: number
  /** Of all logs of containers of an analysis. */
  readonly containersBytes: number
}

export interface PoSettings {
  readonly run: RunSettings
  /** Used where a create request leaves the registry fields empty. */
  readonly registry: { readonly url: string; readonly user: string; readonly password: string }
  readonly hubLogging: boolean
  readonly intervalSeconds: number
  readonly restartMax: number
  readonly budgets: Budgets
  /** A sweep sends an event per analysis to the sink instead of working on them itself. */
  readonly fanout: boolean
  /** Undelivered log lines kept per analysis while the Hub is away. */
  readonly hubBacklogLines: number
  /** Age at which an object that no row accounts for is removed by the sweep. */
  readonly zombieGraceSeconds: number
  readonly archive: { readonly maxAgeDays: number; readonly maxMiB: number }
  readonly logs: LogBounds
}
