/** Ports of the `adopt` command, which takes over the analyses of a node's Python service. Functions do not use them. */
import type { OwnerReference } from '../../platform/ports.ts'
import type { Analysis, AnalysisId, AnalysisSpec, LogSnapshot, Outcome, RunNumber } from '../model.ts'
import type { PoPorts } from '../ports.ts'
import type { LabelQuery, ObjectMeta, OwnedKind } from './cluster.ts'

/** A row of the Python service about one Deployment, without secrets. Texts that are null there are empty here. */
export interface FormerRow {
  readonly table: 'analysis' | 'archive'
  readonly key: number
  readonly deployment: string
  readonly analysisId: string
  readonly projectId: string
  readonly registryUrl: string
  readonly image: string
  readonly status: string
  readonly progress: number
  readonly namespace: string
  readonly createdAt: Date | null
  /** Its token for Kong: present, not needed, or missing. */
  readonly kong: 'given' | 'unneeded' | 'missing'
}

export interface FormerSecrets {
  readonly registryUser: string
  readonly registryPassword: string
  readonly kongToken: string
}

/** The tables of the Python service, read in transactions that cannot write. */
export interface Predecessor {
  /** Expected tables and columns that do not exist or are not readable, as `table` or `table.column`. */
  missing(): Promise<string[]>
  /** All rows of `archive`, then of `analysis`, oldest first. */
  rows(): Promise<FormerRow[]>
  /** The secrets of a row, which must not be stored. Undefined when the row is gone. */
  secrets(row: FormerRow): Promise<FormerSecrets | undefined>
  /** The last bytes of its log without its own secrets; undefined without a log. */
  log(row: FormerRow, limitBytes: number): Promise<Pick<LogSnapshot, 'text' | 'leftOut'> | undefined>
}

/** An incarnation that another orchestrator created. */
export interface FormerIncarnation extends AnalysisSpec {
  /** Its runs in order, with their numbers. The last one is current. */
  readonly runs: readonly { readonly run: RunNumber; readonly startedAt: Date }[]
  readonly progress: number
  readonly logs: readonly LogSnapshot[]
  /** Limit for the sum of these logs. */
  readonly logBytes: number
  readonly fate:
    | { readonly state: 'started' | 'executing'; readonly dueAt: Date }
    /** `removal`: records a removal of what it owns outside the database, which also archives an executed one. */
    | { readonly state: Outcome; readonly cause: string; readonly removal: boolean }
}

/** Records incarnations that another orchestrator created. */
export interface Intake {
  /** Migrations that are not applied yet. */
  missingMigrations(): Promise<string[]>
  /** The highest run number that each id ever had. */
  lastRuns(): Promise<Map<AnalysisId, RunNumber>>
  /**
   * Records an incarnation with runs and logs in one transaction, and raises the run number of its id. Changes nothing and
   * resolves to undefined when the id has a current incarnation or its last run number was used before.
   */
  take(incarnation: FormerIncarnation): Promise<Analysis | undefined>
}

export type MarkedKind = OwnedKind | 'ReplicaSet' | 'Pod'

interface Marks {
  /** Null removes a label. */
  readonly labels: Readonly<Record<string, string | null>>
  readonly owner?: OwnerReference
}

/** Changes to objects of another orchestrator, beyond what `PoCluster` offers. */
export interface Takeover {
  /**
   * Sets labels and an owner on an existing object. Changes nothing else, so no pod restarts. Resolves to its uid; undefined
   * when there is no such object.
   */
  mark(kind: MarkedKind, name: string, marks: Marks): Promise<string | undefined>
  /** Metadata of all ReplicaSets with these labels. */
  replicaSets(labels: LabelQuery): Promise<Omit<ObjectMeta, 'kind'>[]>
  /** Deletes the Deployment and orphans its ReplicaSets. False when it is gone or has another uid. */
  orphan(name: string, uid: string): Promise<boolean>
  /** Deletes a ReplicaSet, then its pods; false when there is none. */
  removeReplicaSet(name: string): Promise<boolean>
}

export interface AdoptPorts
  extends Pick<
    PoPorts,
    'store' | 'cluster' | 'identity' | 'broker' | 'sign' | 'makeRecord' | 'log' | 'now' | 'sleep' | 'settings'
  > {
  readonly predecessor: Predecessor
  readonly intake: Intake
  readonly takeover: Takeover
}
