/** Deadlines of calls, and what becomes of the errors of the server and its driver. */
import { Fault } from '../../platform/fault.ts'

/** Errors of the driver and of the network under it. */
const AWAY = /^(CONNECTION_|CONNECT_TIMEOUT$|E[A-Z_]+$)/
/**
 * SQLSTATE: connection lost, refused log-in, no such database, rolled back for concurrency's sake, read-only standby, out of
 * resources, cancelled or not to be had in time, shutting down, failure of the machine.
 */
const AWAY_STATE = /^(08|28|3D|40|25006|53|55P03|57|58)/
/** No such schema or table. */
const NOT_MIGRATED = ['3F000', '42P01']

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** Everything that goes wrong here becomes a `Fault` that says nothing of statements or values. */
export function translate(error: unknown): Fault {
  if (error instanceof Fault) return error
  const code = codeOf(error)
  if (AWAY.test(code) || AWAY_STATE.test(code)) {
    return new Fault('unavailable', 'the database is away', { cause: error, retryAfter: 5 })
  }
  if (NOT_MIGRATED.includes(code)) {
    return new Fault('unavailable', 'the database is not migrated yet', { cause: error, retryAfter: 5 })
  }
  return new Fault('unexpected', 'the database refused a statement', { cause: error })
}

/** Runs `work`, and fails as unavailable when it takes longer; what it does then still happens or fails on its own. */
export async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Fault('unavailable', 'the database is away', { retryAfter: 5 })), ms)
  })
  try {
    return await Promise.race([work(), late])
  } catch (error) {
    throw translate(error)
  } finally {
    clearTimeout(timer)
  }
}

type Calls<T> = { readonly [K in keyof T]: (...args: never[]) => Promise<unknown> }

/** The same calls, each with a deadline; they leave with faults only. */
export function guarded<T extends Calls<T>>(calls: T, msOf: (name: keyof T) => number): T {
  const guard = ([name, call]: [string, (...args: unknown[]) => Promise<unknown>]) => [
    name,
    (...args: unknown[]) => within(msOf(name as keyof T), () => call(...args)),
  ]
  return Object.fromEntries(Object.entries(calls as object).map(guard)) as T
}
