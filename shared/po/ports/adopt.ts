/** What the Python service of a node has, and what it takes to go on with it. Functions have none of these. */
import type { OwnerReference } from '../../platform/ports.ts'
import type { Analysis, AnalysisId, AnalysisSpec, LogSnapshot, Outcome, RunNumber } from '../model.ts'
import type { PoPorts } from '../ports.ts'
import type { LabelQuery, ObjectMeta, OwnedKind } from './cluster.ts'

/** A row that the Python service keeps of a Deployment, without its secrets; texts that are null are empty. */
export interface FormerRow {
  readonly table: 'analysis' | 'archive'
  /** Its primary key. */
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
  /** Whether it has a token for kong, needs none, or lacks one. */
  readonly kong: 'given' | 'unneeded' | 'missing'
}

export interface FormerSecrets {
  readonly registryUser: string
  readonly registryPassword: string
  readonly kongToken: string
}

/** The tables of the Python service. They are only read, in transactions that cannot write. */
export interface Predecessor {
  /** Tables and columns that are expected and not there, or may not be read, as `table` or `table.column`. */
  missing(): Promise<string[]>
  /** All rows, each table oldest first; `archive` comes before `analysis`. */
  rows(): Promise<FormerRow[]>
  /** The secrets of a row, to be passed on and nowhere kept. Undefined when it is gone. */
  secrets(row: FormerRow): Promise<FormerSecrets | undefined>
  /** The last bytes of its log, its own secrets taken out; undefined when it has none. */
  log(row: FormerRow, limitBytes: number): Promise<Pick<LogSnapshot, 'text' | 'leftOut'> | undefined>
}

/** An incarnation that another orchestrator began. */
export interface FormerIncarnation extends AnalysisSpec {
  /** Its runs in order; the last one is the current one. They keep their numbers. */
  readonly runs: readonly { readonly run: RunNumber; readonly startedAt: Date }[]
  readonly progress: number
  readonly logs: readonly LogSnapshot[]
  /** Limit of these logs together. */
  readonly logBytes: number
  readonly fate:
    | { readonly state: 'started' | 'executing'; readonly dueAt: Date }
    /** With a removal of what it still owns outside; an executed one is archived by it. */
    | { readonly state: Outcome; readonly cause: string; readonly removal: boolean }
}

/** Our rows of incarnations that began elsewhere. */
export interface Intake {
  /** Migrations that were not applied yet. */
  missingMigrations(): Promise<string[]>
  /** The highest run number that each id ever had. */
  lastRuns(): Promise<Map<AnalysisId, RunNumber>>
  /**
   * Records an incarnation with runs and logs, at once or not at all, and raises the run number of its id. Resolves to
   * undefined, and changes nothing, when the id has a current incarnation or had its last run number before.
   */
  take(incarnation: FormerIncarnation): Promise<Analysis | undefined>
}

/** Kinds whose metadata may be marked. */
export type MarkedKind = OwnedKind | 'ReplicaSet' | 'Pod'

interface Marks {
  /** Null takes a label away. */
  readonly labels: Readonly<Record<string, string | null>>
  readonly owner?: OwnerReference
}

/** What it takes, beyond `Cluster`, to go on with objects of others. */
export interface Takeover {
  /**
   * Puts labels and an owner on an object that is there, and changes nothing else of it: no pod restarts for it. Resolves
   * to its uid; undefined when there is none.
   */
  mark(kind: MarkedKind, name: string, marks: Marks): Promise<string | undefined>
  /** Metadata of all ReplicaSets with these labels. */
  replicaSets(labels: LabelQuery): Promise<Omit<ObjectMeta, 'kind'>[]>
  /** Deletes just this Deployment: its ReplicaSets and pods go on without it. False when it is gone or another one. */
  orphan(name: string, uid: string): Promise<boolean>
  /** Deletes a ReplicaSet, and its pods after it; false when there is none. */
  removeReplicaSet(name: string): Promise<boolean>
}

export interface AdoptPorts
  extends Pick<PoPorts, 'store' | 'cluster' | 'identity' | 'broker' | 'sign' | 'log' | 'now' | 'sleep' | 'settings'> {
  readonly predecessor: Predecessor
  readonly intake: Intake
  readonly takeover: Takeover
}
