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
 * Keeps bytes under the number of a body, and knows nothing else: PostgreSQL now, an object store where a site has one.
 * Memory stays bounded by a few pieces, whatever the length.
 */
export interface BlobStore {
  /**
   * Takes all bytes of `source` under a body that is written once. When the source fails or a write does, it rejects
   * with that error, ends the source, and whatever was written may stay until `remove`.
   */
  put(body: Body, source: Bytes): Promise<void>
  /**
   * The bytes in order, from `range.from` to `range.to`, in pieces of any size; nothing is asked for before the first
   * piece is. Pieces come as fast as they are taken. Bytes that are not there are a fault in the midst, never an early end.
   */
  get(body: Body, range: ByteRange): Bytes
  /** Frees all there is of a body. Of one that is not there, or half there, too. May be run twice at once. */
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
  /** The file is to have one of these contents, by SHA-256; undefined: any. */
  readonly expected?: readonly string[] | undefined
  readonly at: Date
  readonly orphanedAt: Date
}

export interface Added {
  readonly file: StoredFile
  /** The content was there, under a file of an upload: that file. */
  readonly existed: boolean
}

/** Files, their contents, and orphaned bodies. */
export interface Catalogue {
  /**
   * A loose body for an upload, which is left alone until `until`.
   * @throws Fault `too_large` where the contents of all files have as many bytes as the site allows
   */
  begin(until: Date): Promise<Body>
  /** Extends the lease of an upload. False: it has expired, and its bytes are pending deletion. */
  extend(body: Body, until: Date): Promise<boolean>
  /** Marks the body of an upload as pending deletion. The caller no longer writes to it. */
  discard(body: Body): Promise<void>

  /**
   * Names what was received. Where a file of an upload has this content, that one is the answer and no row is added: any
   * number at once leave one content and one file.
   * @throws Fault `unavailable` when the upload was given up for dead
   */
  add(received: Received, file: NewFile): Promise<Added>
  /**
   * Gives the file another content, and a name where one is given. Undefined, and the bytes are loose, when there is no
   * such file. Content that nobody has any more is loose from `orphanedAt` on.
   * @throws Fault `precondition_failed` when it has none of the expected contents; nothing has changed then
   */
  replace(received: Received, id: ObjectId, change: FileChange): Promise<StoredFile | undefined>
  /**
   * As `add`, but with this id and this origin whatever else has the content. False, and the bytes are loose, when the id is taken.
   */
  restore(received: Received, file: NewFile & { readonly origin: Origin }): Promise<boolean>

  find(id: ObjectId): Promise<StoredFile | undefined>
  /** In the order of their coming; a replaced one keeps its place. */
  list(skip: number, limit: number): Promise<StoredFile[]>
  /**
   * Takes the name away; true if there was one. Content that nobody else has is loose from `orphanedAt` on.
   * @param expected as in `FileChange`
   * @throws Fault `precondition_failed` when it has none of the expected contents; nothing has changed then
   */
  remove(id: ObjectId, orphanedAt: Date, expected?: readonly string[]): Promise<boolean>

  /**
   * Up to `limit` bodies to clear away: discarded ones, and contents that went, when their time has come. An upload that
   * was last heard of before `now` is given up, and handed out by a call after `givenUpUntil`: by then whoever wrote to it
   * has found out. What is handed out is not handed out again before `claimedUntil`.
   */
  claimOrphans(now: Date, until: { claimed: Date; givenUp: Date }, limit: number): Promise<Body[]>
  /** Deletes the record of a claimed body. */
  forget(body: Body): Promise<void>
  /** Makes contents loose that no file, mount or output has; there are some only where a process died. */
  loosenOrphans(orphanedAt: Date, limit: number): Promise<number>
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

/** Part of a list that is in the order of its names' bytes. */
export interface FilePage {
  /** Names after this one. */
  readonly after: string
  readonly limit: number
}

/** What is known of a service, and of one attempt of a run, when the programs beside a run ask for something. */
export interface Standing {
  /** Of its resource. */
  readonly uid: string | null
  readonly isLive: boolean
  /** It began when tokens were for a service as a whole. */
  readonly takesFormerTokens: boolean
  readonly isScheduled: boolean
  readonly reps: number
  /** The current firing of an on-demand service, the last one of a scheduled one that is over with all before it. */
  readonly firing: number
  readonly createdAt: Date
  /** The attempt in the record of runs; null where it is not there yet. */
  readonly run: 'active' | 'over' | null
  /** Of the run's index in its firing: an attempt succeeded; the last one that failed. */
  readonly hasSucceeded: boolean
  readonly lastFailed: number | null
}

export interface Moment {
  readonly at: Date
  /** From when on a content that nobody has any more is loose. */
  readonly orphanedAt: Date
}

/** `closed`: the set is not open, its run is over or its service not live. */
export type Kept = 'kept' | 'closed' | Exceeded

/** Contents that a run may read beside the mounts of its service: no outputs, those of one firing, or those of all. */
export type ContentScope = 'mounts' | 'all firings' | { readonly firing: number }

/** What runs find and leave. Everything ends with the service: then there is nothing to find, and nothing is taken. */
export interface Runs {
  /** Undefined when there is no such service, or one that is being launched or removed. */
  standing(run: RunKey): Promise<Standing | undefined>
  /**
   * The mounts of a service, those that follow their file as it is now; with a firing also its outputs, below
   * `outputs/<index>/`, of each index the last attempt that was complete. Undefined when there is no such service.
   */
  inputs(id: ObjectId, firing: number | null, page: FilePage, orphanedAt: Date): Promise<RunInputFile[] | undefined>
  /** A content that the service mounts or, within the scope, has as an output. */
  findContent(
    id: ObjectId,
    sha256: string,
    scope: ContentScope,
  ): Promise<Pick<StoredFile, 'body' | 'sha256' | 'length'> | undefined>
  /** The output in a place. `no_output`: there is none, or its file was deleted. */
  output(id: ObjectId, seq: number): Promise<StoredFile | 'no_service' | 'no_output'>
  /**
   * The set of a run; it is begun where there is none. Costs the same however many files it has. Undefined when the service
   * is not live or the run is over, and there is no set.
   */
  open(run: RunKey, now: Date): Promise<OutputSet | undefined>
  /** What an open set and its service have, without the file under a path, which another would take the place of. */
  used(run: RunKey, path: string): Promise<Used>
  /** Files that an open set has, by path. */
  taken(run: RunKey, page: FilePage): Promise<OutputFile[]>
  /** Takes a file under a path, in the place of another. The bytes of what is not kept are discarded. */
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
