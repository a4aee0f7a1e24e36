/**
 * The ports of the file store and the obligations of adapters, which `test/conformance/` checks.
 *
 * All adapters: errors are `Fault`s, `unavailable` where a retry may help; no transaction and no connection stays open while
 * the adapter waits for the sender or the reader of bytes.
 */

import type { Bytes, Log } from '../platform/ports.ts'
import type {
  Body,
  ByteRange,
  Content,
  Exceeded,
  ObjectId,
  Origin,
  OutputLimits,
  RunKey,
  StoredFile,
  Usage,
  Used,
} from './model.ts'

// -------------------------------------------------------------------------------------------------- BlobStore

/**
 * Stores bytes under the number of a body: in PostgreSQL, or in an object store. Memory is bounded by a few pieces, whatever the
 * length.
 */
export interface BlobStore {
  /**
   * Stores all bytes of `source` under a body that is written once. If the source or a write fails, it ends the source and
   * rejects with that error; what was written may stay until `remove`.
   */
  put(body: Body, source: Bytes): Promise<void>
  /**
   * The bytes in order, from `range.from` to `range.to`, in pieces of any size. Nothing is read before the first piece is
   * requested, and no faster than pieces are. Missing bytes are a fault, never an early end.
   */
  get(body: Body, range: ByteRange): Bytes
  /** Deletes a body, also one that is incomplete or missing. Concurrent calls are allowed. */
  remove(body: Body): Promise<void>
}

// -------------------------------------------------------------------------------------------------- Catalogue

/** The body of a complete upload, and its content. */
export interface Received {
  readonly body: Body
  readonly content: Content
}

export interface NewFile {
  readonly id: ObjectId
  readonly filename: string
  readonly at: Date
}

export interface FileChange {
  readonly filename?: string | undefined
  /** The file must have one of these contents, by SHA-256; undefined: any. */
  readonly expected?: readonly string[] | undefined
  readonly at: Date
  readonly orphanedAt: Date
}

export interface Added {
  readonly file: StoredFile
  /** The content existed under a file of an upload, which is the answer. */
  readonly existed: boolean
}

/** Files, their contents, and orphaned bodies. */
export interface Catalogue {
  /**
   * A body for an upload, with a lease until `until`.
   * @throws Fault `too_large` if the contents of all files have as many bytes as the site allows
   */
  begin(until: Date): Promise<Body>
  /** Extends the lease of an upload. False: it has expired, and its bytes are pending deletion. */
  extend(body: Body, until: Date): Promise<boolean>
  /** Marks the body of an upload as pending deletion. The caller no longer writes to it. */
  discard(body: Body): Promise<void>

  /**
   * Adds a file with the received content. If a file of an upload has this content already, that file is the answer and no row
   * is added: concurrent uploads of one content result in one file.
   * @throws Fault `unavailable` if the lease of the upload has expired
   */
  add(received: Received, file: NewFile): Promise<Added>
  /**
   * Replaces the content of a file, and its name if one is given. Undefined if there is no such file; then the bytes are pending
   * deletion. A content that is orphaned by this is pending deletion from `orphanedAt`.
   * @throws Fault `precondition_failed` if it has none of the expected contents; then nothing has changed
   */
  replace(received: Received, id: ObjectId, change: FileChange): Promise<StoredFile | undefined>
  /**
   * Like `add`, but with this id and origin, even if another file has the content. False if the id exists; then the bytes are
   * pending deletion.
   */
  restore(received: Received, file: NewFile & { readonly origin: Origin }): Promise<boolean>

  find(id: ObjectId): Promise<StoredFile | undefined>
  /** In the order of their creation; replacing a content does not change it. */
  list(skip: number, limit: number): Promise<StoredFile[]>
  /**
   * Deletes a file; true if it existed. A content that is orphaned by this is pending deletion from `orphanedAt`.
   * @param expected as in `FileChange`
   * @throws Fault `precondition_failed` if it has none of the expected contents; then nothing has changed
   */
  remove(id: ObjectId, orphanedAt: Date, expected?: readonly string[]): Promise<boolean>

  /**
   * Claims up to `limit` bodies whose deletion is due: discarded uploads and orphaned contents. An upload whose lease expired
   * before `now` is abandoned, and claimed by a call after `until.abandoned`, when its writer has noticed. A claimed body is not
   * claimed again before `until.claimed`.
   */
  claimOrphans(now: Date, until: { claimed: Date; abandoned: Date }, limit: number): Promise<Body[]>
  /** Deletes the record of a claimed body. */
  forget(body: Body): Promise<void>
  /** Finds orphaned contents that are not pending deletion yet, which a process left that died. */
  markOrphans(orphanedAt: Date, limit: number): Promise<number>
}

// ------------------------------------------------------------------------------------------------------ Runs

export interface RunInputFile {
  /** Relative to `/input`. */
  readonly name: string
  readonly fileId: string
  /** Undefined: there is no such file. */
  readonly content: Pick<Content, 'sha256' | 'length'> | undefined
}

export interface OutputFile {
  /** Relative to `/output`. */
  readonly path: string
  readonly sha256: string
  readonly length: number
}

export interface OutputSet extends Usage {
  readonly state: 'open' | 'complete' | 'incomplete'
  readonly reason: string | null
}

/** All files of a set in one line: `sha256` is that of `<sha256> <length> <path>\0` of each, in the order of their paths' bytes. */
export interface SetDigest extends Usage {
  readonly sha256: string
}

/** Part of a list, in the order of the bytes of its names. */
export interface FilePage {
  /** Names after this one. */
  readonly after: string
  readonly limit: number
}

/** What is recorded about a service and an attempt of a run, for requests of the programs beside that run. */
export interface Standing {
  /** Of its resource. */
  readonly uid: string | null
  readonly isLive: boolean
  /** It was launched by a version whose tokens were valid for a whole service. */
  readonly takesFormerTokens: boolean
  readonly isScheduled: boolean
  readonly reps: number
  /** The current firing of an on-demand service; of a scheduled one, the last firing that is over with all before it. */
  readonly firing: number
  readonly createdAt: Date
  /** The attempt; null if it is not recorded yet. */
  readonly run: 'active' | 'over' | null
  /** Of the run's index in its firing: an attempt succeeded; the last one that failed. */
  readonly hasSucceeded: boolean
  readonly lastFailed: number | null
}

export interface Moment {
  readonly at: Date
  /** From when a content that is orphaned now is pending deletion. */
  readonly orphanedAt: Date
}

/** `closed`: the set is not open, its run is over or its service is not live. */
export type Kept = 'kept' | 'closed' | Exceeded

/** Contents that a run may read beside the mounts of its service: no outputs, those of one firing, or those of all. */
export type ContentScope = 'mounts' | 'all firings' | { readonly firing: number }

/** Inputs and outputs of runs. When a service ends, its inputs are gone and outputs are refused. */
export interface Runs {
  /** Undefined if there is no such service, or if it is being launched or removed. */
  standing(run: RunKey): Promise<Standing | undefined>
  /**
   * The mounts of a service; those that follow a file have its present content. With a firing also the outputs of the last
   * complete attempt of each index, below `outputs/<index>/`. Undefined if there is no such service.
   */
  inputs(id: ObjectId, firing: number | null, page: FilePage, orphanedAt: Date): Promise<RunInputFile[] | undefined>
  /** A content that the service mounts or, within the scope, has as an output. */
  findContent(
    id: ObjectId,
    sha256: string,
    scope: ContentScope,
  ): Promise<Pick<StoredFile, 'body' | 'sha256' | 'length'> | undefined>
  /** The output at a position. `no_output`: there is none, or its file was deleted. */
  output(id: ObjectId, seq: number): Promise<StoredFile | 'no_service' | 'no_output'>
  /**
   * The set of a run, which is opened if there is none. The cost does not depend on the number of its files. Undefined if there
   * is no set and the service is not live or the run is over.
   */
  open(run: RunKey, now: Date): Promise<OutputSet | undefined>
  /** What an open set and its service use, without the file at `path`, which an upload would replace. */
  used(run: RunKey, path: string): Promise<Used>
  /** Files that an open set has, by path. */
  taken(run: RunKey, page: FilePage): Promise<OutputFile[]>
  /** Adds a file at a path, or replaces it. The bytes of a file that is not kept are discarded. */
  keep(received: Received, run: RunKey, path: string, limits: OutputLimits, moment: Moment): Promise<Kept>
  /** As `keep`, with the content of a file that the set has. Undefined when it has none of this content. */
  link(run: RunKey, path: string, sha256: string, limits: OutputLimits, moment: Moment): Promise<Kept | undefined>
  /**
   * All files of an open set become outputs, after those that the service has and ever had; they get these ids, in the order
   * of their paths. `differs`: the set is open and other than `digest`.
   */
  complete(
    run: RunKey,
    digest: SetDigest,
    ids: readonly ObjectId[],
    notes: readonly string[],
    now: Date,
  ): Promise<'complete' | 'differs' | 'closed'>
  /** The set will not be complete: what was taken goes. Nothing happens to one that is not open. */
  giveUp(run: RunKey, reason: string, notes: readonly string[], moment: Moment): Promise<void>
  /** Open sets begun before a time whose run is over, or whose service is not live, oldest first. */
  abandoned(before: Date, limit: number): Promise<RunKey[]>
}

// -------------------------------------------------------------------------------------------------- the rest

/** Sees bytes pass and says what they were. */
export interface Digest {
  update(bytes: Uint8Array): void
  end(): Content
}

/** All ports; each use case takes the ones it names. */
export interface FilePorts {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
  readonly newDigest: () => Digest
  readonly newId: () => ObjectId
  readonly now: () => Date
  readonly log: Log
}

export interface RunPorts extends FilePorts {
  readonly runs: Runs
  readonly limits: OutputLimits
}
