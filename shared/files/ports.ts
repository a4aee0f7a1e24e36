/**
 * What the file store needs from outside. Each comment says what every adapter owes; `test/conformance/` tries it.
 *
 * All adapters: errors are `Fault`s, `unavailable` where trying again makes sense; no transaction and no connection is
 * held while a caller is waited for, be it the sender of bytes or their reader.
 */
import type { Body, ByteRange, Content, ObjectId, Origin, StoredFile } from './model.ts'

export type Bytes = AsyncIterable<Uint8Array>

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

/** Where the bytes of an upload lie, and what they turned out to be. */
export interface Received {
  readonly body: Body
  readonly content: Content
}

export interface NewFile {
  readonly id: ObjectId
  readonly filename: string
  readonly at: Date
}

export interface Change {
  readonly filename?: string | undefined
  /** The file is to have one of these contents, by SHA-256; undefined: any. */
  readonly expected?: readonly string[] | undefined
  readonly at: Date
  readonly looseAt: Date
}

export interface Added {
  readonly file: StoredFile
  /** The content was there, under a file of an upload: that file. */
  readonly existed: boolean
}

/** Which files there are, whose bytes they have, and which bytes nobody has. */
export interface Catalogue {
  /** A loose body for an upload, which is left alone until `until`. */
  begin(until: Date): Promise<Body>
  /** The upload goes on. False: it was given up for dead, and its bytes are being cleared away. */
  extend(body: Body, until: Date): Promise<boolean>
  /** Nobody wants this loose body, nor writes to it any more. */
  discard(body: Body): Promise<void>

  /**
   * Names what was received. Where a file of an upload has this content, that one is the answer and no row is added: any
   * number at once leave one content and one file.
   * @throws Fault `unavailable` when the upload was given up for dead
   */
  add(received: Received, file: NewFile): Promise<Added>
  /**
   * Gives the file another content, and a name where one is given. Undefined, and the bytes are loose, when there is no
   * such file. Content that nobody has any more is loose from `looseAt` on.
   * @throws Fault `precondition_failed` when it has none of the expected contents; nothing has changed then
   */
  replace(received: Received, id: ObjectId, change: Change): Promise<StoredFile | undefined>
  /**
   * As `add`, but with this id and this origin whatever else has the content. False, and the bytes are loose, when the id is taken.
   */
  restore(received: Received, file: NewFile & { readonly origin: Origin }): Promise<boolean>

  find(id: ObjectId): Promise<StoredFile | undefined>
  /** In the order of their coming; a replaced one keeps its place. */
  list(skip: number, limit: number): Promise<StoredFile[]>
  /**
   * Takes the name away; true if there was one. Content that nobody else has is loose from `looseAt` on.
   * @param expected as in `Change`
   * @throws Fault `precondition_failed` when it has none of the expected contents; nothing has changed then
   */
  remove(id: ObjectId, looseAt: Date, expected?: readonly string[]): Promise<boolean>

  /**
   * Up to `limit` bodies to clear away: discarded ones, and contents that went, when their time has come. An upload that
   * was last heard of before `now` is given up, and handed out by a call after `givenUpUntil`: by then whoever wrote to it
   * has found out. What is handed out is not handed out again before `claimedUntil`.
   */
  claimLoose(now: Date, until: { claimed: Date; givenUp: Date }, limit: number): Promise<Body[]>
  /** A claimed body is no more. */
  forget(body: Body): Promise<void>
  /** Makes contents loose that no file, mount or output has; there are some only where a process died. */
  loosenOrphans(looseAt: Date, limit: number): Promise<number>
}

// ------------------------------------------------------------------------------------------------------ Runs

/** One attempt of one run of a service. */
export interface RunKey {
  readonly serviceId: ObjectId
  readonly firing: number
  readonly index: number
  readonly attempt: number
}

export interface RunInput {
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

export interface OutputSet {
  readonly state: 'open' | 'complete' | 'incomplete'
  readonly reason: string | null
  /** By path. */
  readonly files: readonly OutputFile[]
}

interface Moment {
  readonly at: Date
  /** From when on a content that nobody has any more is loose. */
  readonly looseAt: Date
}

/** What runs find and leave. Everything ends with the service: then there is nothing to find, and nothing is taken. */
export interface Runs {
  /**
   * The mounts of a service, those that follow their file as it is now; with a firing also its outputs, below
   * `outputs/<index>/`, of each index the last attempt that was complete. Undefined when there is no such service.
   */
  inputs(id: ObjectId, firing: number | null, looseAt: Date): Promise<RunInput[] | undefined>
  /** A content that is a mount or an output of the service. */
  held(id: ObjectId, sha256: string): Promise<Pick<StoredFile, 'body' | 'sha256' | 'length'> | undefined>
  /** The output in a place; undefined when there is none, or its file was deleted. Null when there is no such service. */
  output(id: ObjectId, seq: number): Promise<StoredFile | undefined | null>
  /** What was taken of a run; a set is begun where there is none. Undefined when there is no such service. */
  open(run: RunKey, now: Date): Promise<OutputSet | undefined>
  /**
   * Takes a file under a path, in the place of another. False when the run ended or its service did; the bytes are loose then.
   */
  keep(received: Received, run: RunKey, path: string, moment: Moment): Promise<boolean>
  /** All files of an open set become outputs, after those that the service has. False when it is not open, or has other files. */
  complete(
    run: RunKey,
    files: readonly { readonly path: string; readonly id: ObjectId }[],
    notes: readonly string[],
    now: Date,
  ): Promise<boolean>
  /** The set will not be complete: what was taken goes. Nothing happens to one that is not open. */
  giveUp(run: RunKey, reason: string, notes: readonly string[], moment: Moment): Promise<void>
}

// -------------------------------------------------------------------------------------------------- the rest

/** Sees bytes pass and says what they were. */
export interface Digest {
  update(bytes: Uint8Array): void
  end(): Content
}

export type LogWord = 'debug' | 'info' | 'action' | 'warn' | 'error'
/** One event: its name and its fields. Never a sentence with values in it, never a secret. */
export type Log = (level: LogWord, event: string, fields?: Readonly<Record<string, unknown>>) => void

/** Everything a use case of files may ask for; each takes only what it names. */
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
}
