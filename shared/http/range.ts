/** What of a file is wanted, and whether it is wanted at all: conditional and range requests (RFC 9110, 13 and 14). Pure. */
import type { IncomingHttpHeaders } from 'node:http'

export interface Selection {
  readonly status: 200 | 206 | 304 | 416
  /** Both included; `to` before `from` for no bytes. */
  readonly from: number
  readonly to: number
}

/** Of each header the first, as Node gives it. */
type Headers = Pick<IncomingHttpHeaders, 'range' | 'if-none-match'> & { readonly 'if-range'?: unknown }

const opaque = (tag: string): string => tag.trim().replace(/^W\//, '')

const names = (list: string, etag: string): boolean =>
  list.trim() === '*' || list.split(',').some((tag) => opaque(tag) === etag)

/**
 * The texts between the quotes of an `If-Match`, any of which is to be the current one (RFC 9110, 13.1.1); undefined where
 * nothing or `*` was sent, which is true of everything that is there. A weak tag is equal to none.
 */
export function expectedTags(ifMatch: string | undefined): readonly string[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined
  return ifMatch.split(',').flatMap((tag) => /^"(?<opaque>[^"]*)"$/.exec(tag.trim())?.groups?.['opaque'] ?? [])
}

/** No neighbours in it fit the same character: a text is read once, whatever it is. Blanks stand around a range only. */
const RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i
/** Far above the digits of two numbers. */
const RANGE_LIMIT = 100

/** One range of bytes; undefined for anything else, several ranges included, which may be answered in full. */
function parseRange(text: string, length: number): { from: number; to: number } | undefined {
  if (text.length > RANGE_LIMIT) return undefined
  const [, first = '', last = ''] = RANGE.exec(text) ?? []
  if (first === '' && last === '') return undefined
  if (first === '') return { from: Math.max(0, length - Number(last)), to: length - 1 }
  if (last !== '' && Number(last) < Number(first)) return undefined
  return { from: Number(first), to: last === '' ? length - 1 : Math.min(Number(last), length - 1) }
}

/**
 * @param method a range is only for GET
 * @param etag strong, in its quotes
 */
export function select(method: string, headers: Headers, etag: string, length: number): Selection {
  const whole = { from: 0, to: length - 1 }
  const { range, 'if-range': condition, 'if-none-match': noneMatch } = headers
  if (noneMatch !== undefined && names(noneMatch, etag)) return { status: 304, ...whole }
  const asked = method === 'GET' && (condition === undefined || condition === etag) ? range : undefined
  const part = asked === undefined ? undefined : parseRange(asked, length)
  if (!part) return { status: 200, ...whole }
  return part.from <= part.to ? { status: 206, ...part } : { status: 416, ...part }
}
