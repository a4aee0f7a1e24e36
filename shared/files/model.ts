/**
 * The vocabulary of the file store.
 *
 * - *file*: a name for a content, with a permanent id. Two files may have one content.
 * - *content*: bytes, identified by their SHA-256. Stored once, while a file, mount or output refers to them.
 * - *body*: the stored bytes. A content has one, and so has an upload in progress, which has no content yet. A body without
 *   references is *orphaned*; garbage collection deletes it later.
 * - *mount*: a content under a name below `/input` of a service's runs. It refers to the content, not to the file: replacing or
 *   deleting the file never removes an input of a service.
 *
 * May import nothing.
 */

declare const brand: unique symbol
/** 24 hexadecimal digits, 12 bytes: the time in seconds, then random. */
export type ObjectId = string & { readonly [brand]: 'ObjectId' }

/** Parses an id in upper or lower case. */
export const parseObjectId = (text: string): ObjectId | undefined =>
  /^[0-9a-f]{24}$/i.test(text) ? (text.toLowerCase() as ObjectId) : undefined

/** Longest name of a file, in characters; at most 1,020 bytes of UTF-8. */
export const NAME_CHARACTERS = 255
/** Names of outputs are paths, with another check. */
export const isFileName = (name: string): boolean => name !== '' && [...name].length <= NAME_CHARACTERS

/** Id of a body, opaque to all but the adapters. */
export type Body = string & { readonly [brand]: 'Body' }

/** Digests and length of bytes. */
export interface Content {
  /** Hexadecimal. */
  readonly sha256: string
  /** Hexadecimal; only reported, for clients of the former orchestrator. */
  readonly md5: string
  readonly length: number
}

/** `upload`: by a user; uploads of one content are one file. `output`: of a run; each output is a file of its own. */
export type Origin = 'upload' | 'output'

export interface StoredFile extends Content {
  readonly id: ObjectId
  readonly filename: string
  readonly origin: Origin
  /** When this content was uploaded. */
  readonly uploadedAt: Date
  readonly body: Body
}

/** Bytes `from` to `to`, inclusive, as in a Range header. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/** One attempt of one run of a service. */
export interface RunKey {
  readonly serviceId: ObjectId
  readonly firing: number
  readonly index: number
  readonly attempt: number
}

export type Step = 'replication' | 'fan-in'

/** What the token of a run permits. */
export interface Grant {
  /** Of the service's resource: a later resource of the same name has other tokens. */
  readonly uid: string
  readonly step: Step
  /** Null: every firing, since Kubernetes makes all Jobs of the service from one template. */
  readonly firing: number | null
  readonly index: number
  /** Attempts after the first. */
  readonly retries: number
}

/** The identity of a program beside a run, from its token. */
export interface Access {
  readonly serviceId: ObjectId
  /** Null: a token of the whole service, as version 0.1 issued them. */
  readonly grant: Grant | null
}

/** A content that several files have counts for each of them. */
export interface Usage {
  readonly files: number
  readonly bytes: number
}

/** Limits of outputs, by the names of their settings. */
export interface OutputLimits {
  /** Of one run. */
  readonly DT_OUTPUT_FILES: number
  readonly DT_OUTPUT_LIMIT: number
  /** Of all runs of a service whose outputs are kept. */
  readonly DT_SERVICE_OUTPUT_FILES: number
  readonly DT_SERVICE_OUTPUT_LIMIT: number
  /** Bytes of the path of one file. */
  readonly DT_OUTPUT_PATH_BYTES: number
}

/** Usage of an open set and of its service. */
export interface Used {
  readonly run: Usage
  readonly service: Usage
}

/** A limit that a request would exceed. */
export interface Exceeded {
  readonly setting: keyof OutputLimits
  readonly limit: number
  readonly wanted: number
}

/** The first limit that `more` would exceed. */
export function exceeded(limits: OutputLimits, { run, service }: Used, more: Usage): Exceeded | undefined {
  const wanted = {
    DT_OUTPUT_FILES: run.files + more.files,
    DT_OUTPUT_LIMIT: run.bytes + more.bytes,
    DT_SERVICE_OUTPUT_FILES: service.files + more.files,
    DT_SERVICE_OUTPUT_LIMIT: service.bytes + more.bytes,
  }
  const settings = Object.keys(wanted) as (keyof typeof wanted)[]
  const setting = settings.find((name) => wanted[name] > limits[name])
  return setting && { setting, limit: limits[setting], wanted: wanted[setting] }
}

/** Largest file that exceeds no limit. */
export const roomFor = (limits: OutputLimits, { run, service }: Used): number =>
  Math.max(0, Math.min(limits.DT_OUTPUT_LIMIT - run.bytes, limits.DT_SERVICE_OUTPUT_LIMIT - service.bytes))
