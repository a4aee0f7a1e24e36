/** Deadlines of calls, and faults for the errors of server and driver. */
import { withTimeout } from '../../platform/concurrency.ts'
import { Fault } from '../../platform/fault.ts'

/** Errors of the driver and of the network under it. */
const AWAY = /^(CONNECTION_|CONNECT_TIMEOUT$|E[A-Z_]+$)/
/**
 * SQLSTATE classes: connection exception, invalid authorization, invalid catalog name, transaction rollback, read-only
 * transaction, insufficient resources, lock not available, operator intervention, system error.
 */
const AWAY_STATE = /^(08|28|3D|40|25006|53|55P03|57|58)/
/** No such schema or table. */
const NOT_MIGRATED = ['3F000', '42P01']

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

export const databaseAway = (cause?: unknown): Fault =>
  new Fault('unavailable', 'the database is away', { cause, retryAfter: 5 })

/** The fault for any error. Its message contains no statements and no values. */
export function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  const code = codeOf(error)
  if (AWAY.test(code) || AWAY_STATE.test(code)) return databaseAway(error)
  if (NOT_MIGRATED.includes(code))
    return new Fault('unavailable', 'the database is not migrated yet', { cause: error, retryAfter: 5 })
  return new Fault('unexpected', 'the database refused a statement', { cause: error })
}

/** Runs `work` and fails as `unavailable` after the deadline, although `work` may still take effect then. */
export async function withDeadline<T>(ms: number, work: () => Promise<T>): Promise<T> {
  try {
    return await withTimeout(ms, work(), databaseAway)
  } catch (error) {
    throw toFault(error)
  }
}

type Calls<T> = { readonly [K in keyof T]: (...args: never[]) => Promise<unknown> }

/** The same calls, each with a deadline. They fail only with faults. */
export function withDeadlines<T extends Calls<T>>(calls: T, msOf: (name: keyof T) => number): T {
  const limit = ([name, call]: [string, (...args: unknown[]) => Promise<unknown>]) => [
    name,
    (...args: unknown[]) => withDeadline(msOf(name as keyof T), () => call(...args)),
  ]
  return Object.fromEntries(Object.entries(calls as object).map(limit)) as T
}
