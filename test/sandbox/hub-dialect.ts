/** The format of the Hub: envelopes, pages, filters, errors. */
import type { Reply } from './stand-in.ts'

export type Body = Readonly<Record<string, unknown>>

export const MAX_PAGE = 50

export function parseBody(text: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : undefined
  } catch {
    return undefined
  }
}

export const hubError = (statusCode: number, code: string, message: string, fields: readonly string[] = []): Reply => ({
  status: statusCode,
  body: { statusCode, code, message, issues: fields.map((path) => ({ path: [path], message })) },
})

/** 400 that names every field which is wrong. */
export const invalid = (fields: readonly string[]): Reply =>
  hubError(400, 'bad_request', `The attributes ${fields.join(', ')} are invalid`, fields)

/** One page of the rows that match the filters the collection allows; others are ignored silently. */
export function page<T extends object>(rows: readonly T[], query: URLSearchParams, allowed: readonly string[]): Reply {
  const filters = allowed.flatMap((field) => {
    const wanted = query.get(`filter[${field}]`)
    return wanted === null ? [] : [{ field, wanted }]
  })
  const matching = rows.filter((row) =>
    filters.every(({ field, wanted }) => String((row as Record<string, unknown>)[field] ?? '') === wanted),
  )
  const limit = Math.min(MAX_PAGE, Number(query.get('page[limit]') ?? MAX_PAGE) || MAX_PAGE)
  const offset = Number(query.get('page[offset]') ?? 0) || 0
  return {
    status: 200,
    body: {
      data: matching.slice(offset, offset + limit),
      meta: { total: matching.length, limit, offset, schema: { filters: allowed } },
    },
  }
}

export const accepted = (data: unknown): Reply => ({ status: 202, body: { data, meta: {} } })
