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
export const ORIGINS = ['upload', 'output'] as const
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
