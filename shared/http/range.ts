/** Conditional and range requests (RFC 9110, sections 13 and 14). Pure. */
import type { IncomingHttpHeaders } from 'node:http'

export interface RangeSelection {
  readonly status: 200 | 206 | 304 | 416
  /** Both included; `to` is below `from` for an empty file. */
  readonly from: number
  readonly to: number
}

/** As Node gives them: one value each. */
type Headers = Pick<IncomingHttpHeaders, 'range' | 'if-none-match'> & { readonly 'if-range'?: unknown }

const opaque = (tag: string): string => tag.trim().replace(/^W\//, '')

const matches = (list: string, etag: string): boolean =>
  list.trim() === '*' || list.split(',').some((tag) => opaque(tag) === etag)

/**
 * The tags of an `If-Match` without their quotes; the current tag must be one of them (RFC 9110, 13.1.1). Undefined without the
 * header and for `*`, which every existing file matches. A weak tag matches nothing.
 */
export function expectedTags(ifMatch: string | undefined): readonly string[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined
  return ifMatch.split(',').flatMap((tag) => /^"(?<opaque>[^"]*)"$/.exec(tag.trim())?.groups?.['opaque'] ?? [])
}

/** Neighbouring parts never match the same character, so that matching is linear. */
const RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i
/** Characters: far more than two numbers have. */
const RANGE_LIMIT = 100

/** One range of bytes; undefined for anything else. Several ranges may be answered with the whole file. */
function parseRange(text: string, length: number): { from: number; to: number } | undefined {
  if (text.length > RANGE_LIMIT) return undefined
  const [, first = '', last = ''] = RANGE.exec(text) ?? []
  if (first === '' && last === '') return undefined
  if (first === '') return { from: Math.max(0, length - Number(last)), to: length - 1 }
  if (last !== '' && Number(last) < Number(first)) return undefined
  return { from: Number(first), to: last === '' ? length - 1 : Math.min(Number(last), length - 1) }
}

/**
 * @param method only GET has ranges
 * @param etag strong, with its quotes
 */
export function select(method: string, headers: Headers, etag: string, length: number): RangeSelection {
  const whole = { from: 0, to: length - 1 }
  const { range, 'if-range': condition, 'if-none-match': noneMatch } = headers
  if (noneMatch !== undefined && matches(noneMatch, etag)) return { status: 304, ...whole }
  const asked = method === 'GET' && (condition === undefined || condition === etag) ? range : undefined
  const part = asked === undefined ? undefined : parseRange(asked, length)
  if (!part) return { status: 200, ...whole }
  return part.from <= part.to ? { status: 206, ...part } : { status: 416, ...part }
}
