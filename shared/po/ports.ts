/**
 * What the use cases of PO need from the world, and what each adapter owes them. Every adapter, sandbox part and fake
 * passes the conformance suite of its port (`test/conformance/`).
 *
 * All calls have a deadline of their own and fail with a `Fault` (`shared/platform/fault.ts`): `unavailable` when the other side
 * is away or slow, `refused` when it says no. No call retries on its own unless its comment says so.
 */

import type { KubernetesObject, Log, LoopState, LoopStore, OwnerReference, Pending, Sink } from '../platform/ports.ts'
import type {
  Analysis,
  AnalysisId,
  AnalysisKey,
  AnalysisSpec,
  Change,
  HubStatus,
  LineLimits,
  LogLine,
  LogSnapshot,
  Outcome,
  PartnerStatuses,
  Removal,
  Report,
  RunNumber,
  State,
} from './model.ts'
import type { PoSettings } from './settings.ts'

// ---------------------------------------------------------------------------------------------------- Store

export interface BeginInput extends AnalysisSpec {
  /** The run number must be greater than this. */
  readonly restartCounter: number
  readonly progress: number
  /** How long creation may take; until then nobody else resumes or undoes it. */
  readonly leaseMs: number
}

/** Fields in which a second create of a running analysis may differ from the first. */
export type SpecField = 'project_id' | 'image_url' | 'registry_url'

export type BeginResult =
  /** The row is there in state `starting`. */
  | { readonly kind: 'begun'; readonly analysis: Analysis }
  /** It lives already, with the same spec. */
  | { readonly kind: 'running'; readonly analysis: Analysis }
  | { readonly kind: 'differs'; readonly analysis: Analysis; readonly fields: readonly SpecField[] }
  /** A former incarnation is there still, its root was not asked to go: release it and begin again. */
  | { readonly kind: 'unreleased'; readonly removal: Removal }
  /** A former incarnation has ended and holds the place: archive it and begin again. */
  | { readonly kind: 'ended'; readonly analysis: Analysis }
  /** Somebody releases the former incarnation's client right now: begin again in a moment. */
  | { readonly kind: 'busy' }

/** Changes that go with a move to another state, in one transaction. */
export interface Patch {
  readonly cause?: string | null
  /** Raised to this value; never lowered. */
  readonly progress?: number
  readonly dueAt?: Date
  /**
   * Adds a run with the next number of the id and makes it current; the cause is that of the run which ends by it.
   * `restarts` rises by one.
   */
  readonly nextRun?: boolean
  /** Reports to the Hub, appended to the outbox in this order. */
  readonly reports?: readonly Report[]
  /** Lines about this analysis written by us, appended to its log in this order. */
  readonly lines?: readonly LogLine[]
  /** Records the removal of everything the incarnation owns outside. Exactly the moves to an end have it. */
  readonly removal?: { readonly archive: boolean }
  /** The current run was put back; a next run begins without it. */
  readonly reapplied?: true
  /** Keeps the claim until then; null gives it up. */
  readonly claimedUntil?: Date | null
}

/**
 * What is kept of a finished analysis. It is serialised once; those bytes are stored and signed. Lines and logs are not in
 * it: they are kept beside it, and their digests are here.
 */
export interface ArchiveEntry {
  readonly version: 2
  readonly analysisId: string
  readonly spelling: string
  readonly projectId: string
  readonly image: string
  readonly registryHost: string
  readonly outcome: State
  readonly cause: string | null
  readonly progress: number
  readonly createdAt: string
  readonly endedAt: string
  readonly node: string
  /** Why lines and logs were deleted when the entry was made; null: they were not. */
  readonly shortened: string | null
  readonly runs: readonly ArchivedRun[]
  readonly logs: readonly ArchivedLog[]
}

export interface ArchivedRun {
  readonly run: RunNumber
  readonly startedAt: string
  readonly endedAt: string | null
  readonly cause: string | null
  readonly lines: LineCounts & { /** Digest of the lines, hexadecimal. */ readonly sha256: string }
}

export interface ArchivedLog extends KeptLog {
  /** Digest of the pieces of the text, hexadecimal. */
  readonly sha256: string
}

/** Of the log lines of one run: those that are kept, and those that were left out because a limit was reached. */
export interface LineCounts {
  readonly count: number
  readonly bytes: number
  readonly leftOut: number
  readonly leftOutBytes: number
}

/** The log of one container, without its text. */
export interface KeptLog {
  readonly run: RunNumber
  readonly kind: LogSnapshot['kind']
  readonly container: string
  /** Bytes of the text that is kept. */
  readonly bytes: number
  /** Bytes before it that are not kept. */
  readonly leftOut: number
}

export interface KeptLine extends LogLine {
  /** Position among the lines of the analysis. */
  readonly seq: string
  readonly at: Date
}

/** What is kept of the logs of an incarnation, live or ended. */
export interface KeptTexts {
  readonly runs: readonly { readonly run: RunNumber; readonly lines: LineCounts }[]
  /** By run, kind and container. */
  readonly logs: readonly KeptLog[]
}

/** An ended incarnation, and its place in the order of all of them. */
export interface EndedRef {
  readonly key: AnalysisKey
  readonly spelling: string
  /** Key of the first incarnation with this spelling. */
  readonly first: AnalysisKey
}

export interface StoredEntry {
  readonly key: AnalysisKey
  readonly document: string
  readonly signature: string | null
}

/** Makes a compact JWS over the bytes of an archive entry; null when the node has no key. */
export type Sign = (document: string) => Promise<string | null>

export interface PendingReport extends Pending {
  readonly id: AnalysisId
  readonly report: Report
}

export interface PendingChange extends Pending {
  readonly change: Change
}

/** How many analyses that had been heard of in their run there are, and how many of them do not answer at present. */
export interface Silence {
  readonly heard: number
  readonly silent: number
}

export interface PoLoopState extends LoopState {
  /** When silences were last pardoned because most analyses were silent. */
  readonly faultAt: Date | null
}

export type AnalysisState = Pick<Analysis, 'spelling' | 'state' | 'progress'>

export type ClientHold = 'held' | 'needed' | 'busy'

export interface Store extends LoopStore {
  /** Resolves when the database answers a query. */
  ping(): Promise<void>

  /**
   * Records the intent to run an analysis before anything is made. Of any number at the same time for one id, one
   * begins and the others see it running. Raises the run number of the id above every earlier one.
   */
  begin(input: BeginInput): Promise<BeginResult>
  /** The current incarnation of an id. */
  find(id: AnalysisId): Promise<Analysis | undefined>
  /** All current incarnations, oldest first. */
  list(): Promise<Analysis[]>
  /** What callers see of them, in the same order: for the question that is asked most, and of all. */
  listStates(): Promise<AnalysisState[]>
  findByKey(key: AnalysisKey): Promise<Analysis | undefined>
  /**
   * Moves an incarnation from one of `from` to `to` when it is still there (and, if given, in run `run`), with
   * everything in `patch`, or does nothing and resolves to undefined. `since` changes only when the state does.
   */
  transition(
    key: AnalysisKey,
    from: readonly State[],
    to: State,
    patch?: Patch,
    run?: RunNumber,
  ): Promise<Analysis | undefined>
  /**
   * Forgets an incarnation that is still `starting`: its row and runs go, the counter stays, and a removal of what its
   * creation may have made is recorded in the same transaction. True if it was `starting`.
   */
  abandon(key: AnalysisKey): Promise<boolean>
  /** Records how the last poll of a run went: `heard` clears the silence, otherwise it grows. */
  recordPoll(key: AnalysisKey, run: RunNumber, heard: boolean, at: Date): Promise<void>

  /**
   * Claims live incarnations that are due and unclaimed, for `leaseMs`. Two callers never get the same one. Each claim raises
   * `unfinished`, and so is counted before the work begins; incarnations that have some unfinished already are left to
   * `claimSuspects`.
   */
  claimDue(now: Date, leaseMs: number, limit: number): Promise<Analysis[]>
  /**
   * Claims a group of those whose earlier claims ended without `unclaim`: of those with the fewest unfinished, at most
   * `sizes[unfinished - 1]`, the last size serving all larger numbers. Their lease doubles with each unfinished claim.
   */
  claimSuspects(now: Date, leaseMs: number, sizes: readonly number[]): Promise<Analysis[]>
  /**
   * Claims the current incarnation of one id, whatever is unfinished, as the other two do; undefined when it is claimed, not
   * due, not live or gone.
   */
  claim(id: AnalysisId, now: Date, leaseMs: number): Promise<Analysis | undefined>
  /** Ends claims: nothing of them is unfinished. */
  unclaim(keys: readonly AnalysisKey[]): Promise<void>
  /** Ids of what `claimDue` would claim, oldest due first; nothing is claimed. */
  listDue(now: Date, limit: number): Promise<AnalysisId[]>
  /** Remembers what the Hub said of the partners of a current incarnation. */
  savePartners(key: AnalysisKey, partners: PartnerStatuses): Promise<void>

  /** Executing analyses, and those of them whose last poll failed. */
  silence(): Promise<Silence>
  /** All silences begin anew; with `fault` it is remembered that the fault was ours. */
  pardonSilence(at: Date, fault: boolean): Promise<void>

  /**
   * Appends a line to the log of an analysis's current incarnation, raises its progress (only if the line is of its
   * current run) and appends the reports. `run` null means the current one; a line of a run that is not one of this
   * incarnation is not kept. Where a limit is exceeded, the oldest lines are deleted and counted: at most 1/32 of the limit
   * at a time, of the run first, then of the earliest run that has some. Costs the same for the first and the 10,000th line.
   * Resolves to undefined for an id without a current incarnation.
   */
  appendLine(
    id: AnalysisId,
    run: RunNumber | null,
    line: LogLine,
    reports: (analysis: Analysis, current: boolean, progressRose: boolean) => readonly Report[],
    limits: LineLimits,
  ): Promise<Analysis | undefined>
  /** Appends reports about an id, whether or not it has a current incarnation. */
  appendReports(id: AnalysisId, reports: readonly Report[]): Promise<void>

  /**
   * Keeps the log of a container of an incarnation; the last one written for a container wins. When all texts of the
   * incarnation exceed `maxBytes`, those of the earliest runs are deleted and counted as left out, the new ones last.
   */
  saveSnapshots(key: AnalysisKey, snapshots: readonly TakenLog[], maxBytes: number): Promise<void>
  /**
   * Moves an ended incarnation with runs, lines and logs to the archive, in memory that does not depend on their size. With
   * `shorten` lines and logs are deleted instead, and the entry says why. Does nothing when it is there already.
   */
  archive(key: AnalysisKey, node: string, sign: Sign, shorten?: string): Promise<void>
  /**
   * Archived, stopped and failed incarnations, at most `limit` behind `after`: by the first incarnation of their spelling,
   * then oldest first.
   */
  ended(after: EndedRef | undefined, limit: number, id?: AnalysisId): Promise<EndedRef[]>
  texts(key: AnalysisKey): Promise<KeptTexts>
  /** Lines of a run behind `after`, in order: about 256 KiB of them, and none at the end. */
  lines(key: AnalysisKey, run: RunNumber, after: string | undefined): Promise<KeptLine[]>
  /** Piece `n`, counted from 0, of the text of a log: at most 128 Ki characters; undefined behind the last one. */
  logPiece(key: AnalysisKey, log: Pick<KeptLog, 'run' | 'kind' | 'container'>, n: number): Promise<string | undefined>
  /** Archive entries as stored, for verification: at most `limit` behind `after`, oldest first. */
  archiveEntries(after: AnalysisKey | undefined, limit: number, id?: AnalysisId): Promise<StoredEntry[]>
  /** Takes lines and logs out of an entry as the version before made it, so that they can be read; true if there was one. */
  unpackArchive(): Promise<boolean>

  /** Deletes archive entries above an age or, oldest first, a size; 0 means no limit. Resolves to how many went. */
  pruneArchive(limits: { readonly maxAgeDays: number; readonly maxMiB: number }): Promise<number>

  /** Claims removals that are due and of which no attempt is unfinished; each claim is counted as begun. */
  claimRemovals(now: Date, leaseMs: number, limit: number): Promise<Removal[]>
  /**
   * Claims the removal that is due and has the fewest unfinished attempts, but some: a process died during each of these. Its
   * lease doubles with each of them.
   */
  claimSuspectRemoval(now: Date, leaseMs: number): Promise<Removal | undefined>
  /** The removal of one incarnation, claimed; undefined when there is none or somebody has it. */
  claimRemoval(key: AnalysisKey, now: Date, leaseMs: number): Promise<Removal | undefined>
  /** Removals that are not complete, due or not. */
  pendingRemovals(): Promise<Removal[]>
  markLogsTaken(key: AnalysisKey): Promise<void>
  /** The root was asked to go, or can come no more: the id is free for another incarnation. */
  markRootRemoved(key: AnalysisKey): Promise<void>
  /** Tries again then and raises `attempts`; a wish to archive that came since it was claimed keeps it due as it is. */
  postponeRemoval(removal: Pick<Removal, 'key' | 'archive'>, dueAt: Date): Promise<void>
  /** Forgets the removal, unless it is to archive and the incarnation is still there: then it is due again. */
  completeRemoval(key: AnalysisKey): Promise<void>
  /**
   * Takes the sole right to delete the Keycloak client of an id for `leaseMs`. `needed`: a live incarnation exists, the
   * client is its. `busy`: somebody holds the right, be it for the same removal, since a deletion of theirs may still
   * arrive. While it is held, `begin` of that id answers `busy`.
   */
  holdClient(key: AnalysisKey, id: AnalysisId, now: Date, leaseMs: number): Promise<ClientHold>
  /** Gives that right up; `removed` is remembered in the removal, so that no later attempt does it again. */
  releaseClient(key: AnalysisKey, removed: boolean): Promise<void>

  loopState(now: Date): Promise<PoLoopState>

  /**
   * The oldest undelivered report of each analysis that is due, claimed for `leaseMs`, doubled with each unfinished attempt;
   * each claim is counted as begun. One of which an attempt is unfinished is claimed alone, when there is no other.
   */
  claimReports(now: Date, leaseMs: number, limit: number, id?: AnalysisId): Promise<PendingReport[]>
  /** Delivered, or refused for good with the reason: it is not sent again. */
  settleReport(seq: string, refused?: string): Promise<void>
  /** Every report of this analysis waits until then. */
  postponeReports(id: AnalysisId, dueAt: Date): Promise<void>
  /** What waits after failed attempts is due now: the Hub was heard of again. */
  hastenReports(now: Date): Promise<void>
  /**
   * Keeps at most `limit` undelivered log lines per analysis, the newest; one line in the place of the others says how
   * many they were, those of earlier calls counted. Statuses stay. Resolves to how many lines went.
   */
  capReports(limit: number): Promise<number>

  /**
   * The oldest change of each analysis that is due and not told yet, claimed for `leaseMs`. Each change of an
   * incarnation's state is recorded with it, in one transaction, whatever made it.
   */
  claimChanges(now: Date, leaseMs: number, limit: number): Promise<PendingChange[]>
  /** Told: it is forgotten. */
  settleChange(seq: string): Promise<void>
  /** Every change of this analysis waits until then. */
  postponeChanges(id: AnalysisId, dueAt: Date): Promise<void>
  /** Forgets all changes: there is nobody to tell. */
  dropChanges(): Promise<void>

  /** Ids that have a row here, current or archived-but-unreleased: their Keycloak clients are not orphans. */
  knownIds(): Promise<Set<AnalysisId>>
  /**
   * Empties analyses, runs, logs and archive, log lines that wait for the Hub included; run counters and statuses that wait
   * stay. Records a removal for every incarnation that was there and appends what `told` says of it, in the same
   * transaction, and resolves to the analyses as they were.
   */
  reset(told?: (analysis: Analysis) => readonly Report[]): Promise<Analysis[]>
}

// -------------------------------------------------------------------------------------------------- Cluster

/**
 * The kinds of which a run owns objects, but for its Secret: nothing that reads objects can read that. ConfigMaps come first,
 * because roots are among them.
 */
export const OWNED_KINDS = ['ConfigMap', 'NetworkPolicy', 'Service', 'Deployment'] as const
export type OwnedKind = (typeof OWNED_KINDS)[number]
/** Secrets are never found or listed; those of version 0.1 are removed. */
export type RemovableKind = OwnedKind | 'Secret'

export interface ObjectMeta {
  readonly kind: OwnedKind
  readonly name: string
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: Date
  /** A foreground deletion is under way. */
  readonly deleting: boolean
  readonly owners: readonly Pick<OwnerReference, 'kind' | 'name' | 'uid'>[]
}

export type SecretMeta = Omit<ObjectMeta, 'kind'>

export interface ContainerFacts {
  readonly name: string
  readonly ready: boolean
  readonly restarts: number
  readonly running: boolean
  readonly waiting: { readonly reason: string; readonly message: string } | null
  readonly terminated: { readonly reason: string; readonly exitCode: number; readonly message: string } | null
  /** How the run before the present one ended, after a restart in place. */
  readonly lastTerminated: { readonly reason: string; readonly exitCode: number; readonly message: string } | null
}

/** The end of a container's log. */
export interface LogTail {
  /** In pieces, each of whole characters. It may be read again. */
  readonly text: Iterable<string>
  /** Bytes before the text. */
  readonly leftOut: number
}
export type TakenLog = Omit<LogSnapshot, 'text'> & LogTail

/** What of a pod matters to us. */
export interface PodFacts {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly phase: string
  /** Pod-level reason, such as `Evicted`. */
  readonly reason: string | null
  readonly message: string | null
  readonly ip: string | null
  readonly ready: boolean
  readonly deleting: boolean
  readonly createdAt: Date
  /** Why the scheduler could not place it. */
  readonly unschedulable: string | null
  readonly containers: readonly ContainerFacts[]
}

/** A Service that a run's proxy or policies point at. */
export interface PeerService {
  readonly name: string
  readonly port: number
  /** Port of its pods, a number or the name of a container port. */
  readonly targetPort: number | string
  /** Labels of its pods. */
  readonly selector: Readonly<Record<string, string>>
}

export const PEERS = ['broker', 'storage', 'adapter', 'kong', 'orchestrator'] as const
export type Peer = (typeof PEERS)[number]

/** Labels that must all match; undefined means that the label is there with any value. */
export type LabelQuery = Readonly<Record<string, string | undefined>>

export interface Cluster {
  readonly namespace: string
  /** Server-side apply with our field manager, conflicts forced. One write. Resolves to the object's uid. */
  apply(object: KubernetesObject): Promise<{ uid: string }>
  /** Metadata of one object. */
  find(kind: OwnedKind, name: string): Promise<ObjectMeta | undefined>
  /** Merges entries into a Secret that exists (merge patch; other entries stay). Its metadata; undefined when there is none. */
  patchSecret(name: string, entries: Readonly<Record<string, string>>): Promise<SecretMeta | undefined>
  /** Metadata of all objects with these labels, in pages of 5,000. */
  list(kind: OwnedKind, labels: LabelQuery): Promise<ObjectMeta[]>
  /** Pods with these labels, in pages of 500. */
  pods(labels: LabelQuery): Promise<PodFacts[]>
  /** Asks for a foreground deletion; false when there is no such object. Returns before dependents are gone. */
  remove(kind: RemovableKind, name: string): Promise<boolean>
  /** Deletes a pod, so that its owner makes a new one; false when there is none. */
  removePod(name: string): Promise<boolean>
  /** Last bytes of a container's log; undefined when the pod or the container has none. */
  log(pod: string, container: string, limitBytes: number): Promise<LogTail | undefined>
  /** The Services of the namespace that play a part for a run; absent ones are missing from the map. */
  peers(): Promise<Partial<Record<Peer, PeerService>>>
}

// ------------------------------------------------------------------------------------------------- Identity

export interface Token {
  readonly value: string
  readonly expiresAt: Date
}

export interface Identity {
  /** Makes sure the client of the analysis exists and issues a token for it; never an empty one. */
  issueToken(id: AnalysisId): Promise<Token>
  /** Issues a token for the client of an analysis; undefined when there is none. */
  tokenOf(id: AnalysisId): Promise<Token | undefined>
  /** Deletes the client of an analysis; false when there is none. */
  removeClient(id: AnalysisId): Promise<boolean>
  /** Ids of all clients that belong to analyses (name begins with `flame-`). All pages. */
  listClients(): Promise<AnalysisId[]>
}

// ------------------------------------------------------------------------------------------------------ Hub

export interface PartnerNode {
  readonly analysisNodeId: string
  readonly nodeId: string
  readonly executionStatus: HubStatus | null
}

export interface Hub {
  /** Our analysis node: the row that joins this node and the analysis. Undefined when the Hub has none. */
  analysisNode(id: AnalysisId): Promise<{ readonly analysisNodeId: string } | undefined>
  /** All nodes that take part in an analysis, our own left out. All pages. */
  partners(id: AnalysisId): Promise<PartnerNode[]>
  updateStatus(analysisNodeId: string, status: HubStatus, progress: number | null): Promise<void>
  createLog(
    id: AnalysisId,
    log: { readonly level: string; readonly message: string; readonly status: string | null },
  ): Promise<void>
}

// -------------------------------------------------------------------------------------------------- Sidecar

/** Words of the SDK's `/healthz`. Anything else it says is `unknown`. */
export const SDK_STATUSES = ['executing', 'executed', 'stuck', 'stopped', 'failed', 'starting', 'unknown'] as const
export type SdkStatus = (typeof SDK_STATUSES)[number]

export interface Health {
  readonly status: SdkStatus
  /** Seconds; null when the analysis did not say. */
  readonly tokenRemaining: number | null
}

/** The analysis's own API, reached through its proxy. */
export interface Sidecar {
  healthz(id: AnalysisId, run: RunNumber): Promise<Health>
  refreshToken(id: AnalysisId, run: RunNumber, token: string): Promise<void>
  partnerStatus(id: AnalysisId, run: RunNumber, statuses: PartnerStatuses): Promise<void>
}

// --------------------------------------------------------------------------------------------------- Broker

export interface Broker {
  /**
   * Deletes what the analysis subscribed to at the message broker, in its name. Unknown subscriptions are no error.
   * Without a broker there is nothing to do, and no token is asked for; nor is there without a token.
   */
  unsubscribe(id: AnalysisId, token: () => Promise<Token | undefined>): Promise<void>
}

// --------------------------------------------------------------------------------------------- Taking over
// What the Python service of a node has, and what it takes to go on with it. Functions have none of these.

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

export interface Marks {
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
  extends Pick<Ports, 'store' | 'cluster' | 'identity' | 'broker' | 'sign' | 'log' | 'now' | 'sleep' | 'settings'> {
  readonly predecessor: Predecessor
  readonly intake: Intake
  readonly takeover: Takeover
}

/** Everything a use case may ask for; each takes only what it names. */
export interface Ports {
  readonly store: Store
  readonly cluster: Cluster
  readonly identity: Identity
  readonly hub: Hub
  readonly sidecar: Sidecar
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
