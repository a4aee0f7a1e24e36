/** What the use cases are told by configuration; plain values, made once by `wire/twins.ts`. */

/** One allowed way out of a run: pods with a label, or addresses, on one port. */
export interface Egress {
  readonly to: { readonly label: readonly [key: string, value: string] } | { readonly cidr: string }
  readonly port: number
}

/** Images, resources and places that the objects of a service are built from. */
export interface TwinSettings {
  readonly namespace: string
  readonly clusterDomain: string
  /** Image of the programs that bring inputs and take outputs: ours. */
  readonly toolsImage: string
  /** Where these find `run-input` and `run-output`. */
  readonly runsUrl: string
  readonly podSecurity: 'baseline' | 'restricted'
  readonly cpuRequest: string
  readonly cpuLimit: string
  readonly memoryRequest: string
  readonly memoryLimit: string
  /** Size of `/output`, and of `/input`. */
  readonly outputLimit: string
  /** Time for sending what a run left in `/output`. */
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
  /** Variables of old images that expect a Mongo server. */
  readonly mongo: boolean
}

export interface DtSettings {
  readonly twin: TwinSettings
  readonly intervalSeconds: number
  /** Runs of all services at the same time; 0: as many as the cluster takes. */
  readonly maxRuns: number
  /** Days after which ended services go; 0: never. */
  readonly retentionDays: number
  /** What becomes of the outputs of a service that is terminated. */
  readonly outputsAfterTerminate: 'delete' | 'keep'
}
