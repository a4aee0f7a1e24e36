/**
 * The words of the file store.
 *
 * - *file*: a name for a content, with an id that its users keep. Two files may have one content.
 * - *content*: bytes, known by their SHA-256. Stored once, whoever has them, for as long as somebody has.
 * - *body*: where the bytes lie. A content has one; an upload under way has one that no content has yet; both kinds are
 *   *loose* when nobody has them any more, and are cleared away a little later.
 * - *mount*: a content that runs of a service find under a name. It holds the content, not the file: what is done to the
 *   file later, deletion included, never takes an input away from a service.
 *
 * May import nothing.
 */

declare const brand: unique symbol
/** 24 hexadecimal digits, 12 bytes: the time in seconds, then random. */
export type ObjectId = string & { readonly [brand]: 'ObjectId' }

/** The id that a text is, in small letters as ids are kept; undefined for any other text. */
export const parseObjectId = (text: string): ObjectId | undefined =>
  /^[0-9a-f]{24}$/i.test(text) ? (text.toLowerCase() as ObjectId) : undefined

/** Characters of the longest name that a file is given; in UTF-8 they are 1,020 bytes at most. */
export const NAME_CHARACTERS = 255
/** True for a name that a file may be given. Those of outputs are paths, and are checked where they come in. */
export const isFileName = (name: string): boolean => name !== '' && [...name].length <= NAME_CHARACTERS

/** Number of a body, opaque to all but the adapters. */
export type Body = string & { readonly [brand]: 'Body' }

/** What is known of bytes when all of them were seen. */
export interface Content {
  /** Hexadecimal. */
  readonly sha256: string
  /** Hexadecimal; only for readers of old, who know files by it. Nothing is decided by it. */
  readonly md5: string
  readonly length: number
}

/** `upload`: of a user; such files of one content are one file. `output`: of a run, which keeps a file of its own. */
const ORIGINS = ['upload', 'output'] as const
export type Origin = (typeof ORIGINS)[number]

export interface StoredFile extends Content {
  readonly id: ObjectId
  readonly filename: string
  readonly origin: Origin
  /** When this content came. */
  readonly uploadedAt: Date
  readonly body: Body
}

/** Bytes `from` to `to`, both included, as in a Range header. */
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

/** What the token of a run was issued for. */
interface Grant {
  /** Of the resource of the service: a later resource of the same name has other tokens. */
  readonly uid: string
  readonly step: Step
  /** Null: each firing of the service, since Kubernetes makes its Jobs from one template. */
  readonly firing: number | null
  readonly index: number
  /** Attempts after the first. */
  readonly retries: number
}

/** A program beside a run, by its token. */
export interface Access {
  readonly serviceId: ObjectId
  /** Null: a token of the whole service, as version 0.1 issued them. */
  readonly grant: Grant | null
}

/** Files, and their bytes together. A content that several files have counts for each of them. */
export interface Usage {
  readonly files: number
  readonly bytes: number
}

/** What runs may leave, by the names of the settings that say so. */
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

/** What an open set has, and its service with it. */
export interface Used {
  readonly run: Usage
  readonly service: Usage
}

/** A limit that would be passed: its setting, its value, and what it would have come to. */
export interface Exceeded {
  readonly setting: keyof OutputLimits
  readonly limit: number
  readonly wanted: number
}

/** The first limit that `more` would pass; files and bytes may be fewer where a file takes the place of another. */
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

/** Bytes that one file may have, for it alone to pass no limit. */
export const roomFor = (limits: OutputLimits, { run, service }: Used): number =>
  Math.max(0, Math.min(limits.DT_OUTPUT_LIMIT - run.bytes, limits.DT_SERVICE_OUTPUT_LIMIT - service.bytes))
