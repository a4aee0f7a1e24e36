/** A pool of connections to PostgreSQL, directly or through a pooler in transaction mode. */
import { permits, withTimeout } from '../../platform/concurrency.ts'
import {
  createConnection,
  type DatabaseConnection,
  type DatabaseConnectionOptions,
  type DatabaseSettings,
} from './connection.ts'
import { databaseAway, toFault } from './faults.ts'
import type { Db } from './rows.ts'
import { checkAuthority } from './socket.ts'

export interface Database {
  /** Runs statements on one connection without a transaction. */
  query<T>(work: (sql: Db) => Promise<T>): Promise<T>
  /** Runs statements in a transaction, which is rolled back if `work` fails or the connection is lost. */
  transaction<T>(work: (tx: Db) => Promise<T>): Promise<T>
  /** Closes all connections, after `timeout` seconds even those in use. */
  end(options?: { readonly timeout?: number }): Promise<void>
}

const IDLE_MS = 30_000
const DEFAULTS: DatabaseConnectionOptions = { applicationName: 'flame-po', connectMs: 5000, answerMs: 5000 }

/** A lost connection has nothing to roll back. */
async function inTransaction<T>({ sql, isUsable }: DatabaseConnection, work: (tx: Db) => Promise<T>): Promise<T> {
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

/** Makes a pool of at most `POSTGRES_MAX` connections, which are opened on demand and replaced when lost. */
export function connect(settings: DatabaseSettings, options: Partial<DatabaseConnectionOptions> = {}): Database {
  checkAuthority(settings)
  const connectionOptions = { ...DEFAULTS, ...options }
  const nextPermit = permits(settings.POSTGRES_MAX)
  const connections = new Set<DatabaseConnection>()
  const idle = new Map<DatabaseConnection, NodeJS.Timeout>()

  /** Resolves to the function that releases the permit. */
  async function acquire(): Promise<() => void> {
    const permit = nextPermit()
    try {
      return await withTimeout(connectionOptions.answerMs, permit, databaseAway)
    } catch (error) {
      void permit.then((release) => release())
      throw error
    }
  }

  async function drop(connection: DatabaseConnection, timeoutSeconds?: number): Promise<void> {
    clearTimeout(idle.get(connection))
    idle.delete(connection)
    connections.delete(connection)
    await connection.close(timeoutSeconds)
  }

  /** The connection that was used last, so the others become idle; a new one if there is none. */
  function take(): DatabaseConnection {
    for (const connection of [...idle.keys()].reverse()) {
      clearTimeout(idle.get(connection))
      idle.delete(connection)
      if (connection.isUsable()) return connection
      connections.delete(connection)
    }
    const connection = createConnection(settings, connectionOptions)
    connections.add(connection)
    return connection
  }

  function putBack(connection: DatabaseConnection): void {
    if (connection.isUsable() && connections.has(connection))
      idle.set(connection, setTimeout(() => void drop(connection), IDLE_MS).unref())
    else connections.delete(connection)
  }

  async function use<T>(work: (connection: DatabaseConnection) => Promise<T>): Promise<T> {
    const release = await acquire()
    const connection = take()
    try {
      return await work(connection)
    } catch (error) {
      // The connection may be in any state: do not use it again.
      if (toFault(error).code === 'unavailable') void drop(connection)
      throw error
    } finally {
      putBack(connection)
      release()
    }
  }

  return {
    query: (work) => use(({ sql }) => work(sql)),
    transaction: (work) => use((connection) => inTransaction(connection, work)),
    end: async ({ timeout = 5 } = {}) => {
      await Promise.all([...connections].map((connection) => drop(connection, timeout)))
    },
  }
}
