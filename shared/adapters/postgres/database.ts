/** A pool of connections to PostgreSQL, straight or through a pooler in transaction mode. */

import { Fault } from '../../platform/fault.ts'
import type { Config } from '../../settings/config.ts'
import { createLine, type Line, type LineOptions } from './connection.ts'
import { translate } from './faults.ts'
import type { Db } from './rows.ts'
import { checkAuthority, type SocketSettings } from './socket.ts'

export type DatabaseSettings = Pick<
  Config,
  | 'POSTGRES_HOST'
  | 'POSTGRES_PORT'
  | 'POSTGRES_USER'
  | 'POSTGRES_PASSWORD'
  | 'POSTGRES_DB'
  | 'POSTGRES_MAX'
  | 'POSTGRES_PREPARE'
> &
  SocketSettings

export interface Database {
  /** Runs statements on one connection, each on its own. */
  query<T>(work: (sql: Db) => Promise<T>): Promise<T>
  /** Runs statements in a transaction; it is rolled back when `work` fails, or with its connection. */
  transaction<T>(work: (tx: Db) => Promise<T>): Promise<T>
  /** Closes all connections; those in use after `timeout` seconds at the latest. */
  end(options?: { readonly timeout?: number }): Promise<void>
}

const IDLE_MS = 30_000
const DEFAULTS: LineOptions = { applicationName: 'flame-po', connectMs: 5000, answerMs: 5000 }

/** So many at a time, in the order of their coming; who waits too long gives up. */
function createPermits(count: number, patienceMs: number) {
  let left = count
  const waiting = new Set<() => void>()
  const take = () =>
    new Promise<void>((done, fail) => {
      const timer = setTimeout(() => {
        waiting.delete(enter)
        fail(new Fault('unavailable', 'the database is away', { retryAfter: 5 }))
      }, patienceMs)
      const enter = () => {
        clearTimeout(timer)
        waiting.delete(enter)
        done()
      }
      waiting.add(enter)
    })
  return {
    async acquire(): Promise<void> {
      if (left === 0) return take()
      left -= 1
    },
    release(): void {
      const [next] = waiting
      if (next) next()
      else left += 1
    },
  }
}

/** Begins, commits, rolls back. On a line that was lost there is nothing to roll back. */
async function inTransaction<T>({ sql, isUsable }: Line, work: (tx: Db) => Promise<T>): Promise<T> {
  await sql.unsafe('begin')
  try {
    const result = await work(sql)
    await sql.unsafe('commit')
    return result
  } catch (error) {
    if (isUsable()) await sql.unsafe('rollback')
    throw error
  }
}

/** Makes a pool of `POSTGRES_MAX` connections. It opens nothing before the first query, and replaces what was lost. */
export function connect(settings: DatabaseSettings, options: Partial<LineOptions> = {}): Database {
  checkAuthority(settings)
  const lineOptions = { ...DEFAULTS, ...options }
  const permits = createPermits(settings.POSTGRES_MAX, lineOptions.answerMs)
  const lines = new Set<Line>()
  const idle = new Map<Line, NodeJS.Timeout>()

  async function drop(line: Line, timeoutSeconds?: number): Promise<void> {
    clearTimeout(idle.get(line))
    idle.delete(line)
    lines.delete(line)
    await line.close(timeoutSeconds)
  }

  /** The line that was used last, so that the others may fall idle; a new one where there is none. */
  function take(): Line {
    for (const line of [...idle.keys()].reverse()) {
      clearTimeout(idle.get(line))
      idle.delete(line)
      if (line.isUsable()) return line
      lines.delete(line)
    }
    const line = createLine(settings, lineOptions)
    lines.add(line)
    return line
  }

  function putBack(line: Line): void {
    if (line.isUsable() && lines.has(line)) idle.set(line, setTimeout(() => void drop(line), IDLE_MS).unref())
    else lines.delete(line)
    permits.release()
  }

  async function use<T>(work: (line: Line) => Promise<T>): Promise<T> {
    await permits.acquire()
    const line = take()
    try {
      return await work(line)
    } catch (error) {
      // Whatever state it left the connection in, nobody else is to find out.
      if (translate(error).code === 'unavailable') void drop(line)
      throw error
    } finally {
      putBack(line)
    }
  }

  return {
    query: (work) => use(({ sql }) => work(sql)),
    transaction: (work) => use((line) => inTransaction(line, work)),
    end: async ({ timeout = 5 } = {}) => {
      await Promise.all([...lines].map((line) => drop(line, timeout)))
    },
  }
}
