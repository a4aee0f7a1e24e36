/** One connection to PostgreSQL that is never opened a second time. */
import type { Socket } from 'node:net'
import postgres, { type Sql } from 'postgres'
import type { Config } from '../../settings/config.ts'
import { lost, open, type SocketSettings } from './socket.ts'

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

export interface DatabaseConnectionOptions {
  /** Shown by the server beside the connection. */
  readonly applicationName: string
  readonly connectMs: number
  /** A connection whose server stays silent for so long after a question is given up. */
  readonly answerMs: number
}

/**
 * The driver would quietly reconnect, and run what is left of a transaction on the new connection; and what it writes to a
 * connection that closed inside a transaction ends the process (its issues 1208, 1154, 1133). So a lost connection stays
 * lost, and its user sees that.
 */
export interface DatabaseConnection {
  readonly sql: Sql
  isUsable(): boolean
  close(timeoutSeconds?: number): Promise<void>
}

/**
 * Makes a socket give up when nothing comes back for what was written. A `statement_timeout` would not do: a server
 * that hangs cannot keep it, and poolers refuse it as a start parameter.
 */
function impatient(socket: Socket, answerMs: number): Socket {
  const write = socket.write
  let isWaiting = false
  socket.write = ((...args: Parameters<Socket['write']>) => {
    isWaiting = true
    return write.apply(socket, args)
  }) as Socket['write']
  socket.on('data', () => {
    isWaiting = false
  })
  socket.on('end', () => {
    if (isWaiting) socket.destroy(lost('ECONNRESET', 'the server hung up'))
  })
  socket.setTimeout(answerMs, () => {
    if (isWaiting) socket.destroy(lost('ETIMEDOUT', `no answer within ${answerMs} ms`))
  })
  return socket
}

/** Opens nothing before the first query. */
export function createConnection(
  settings: DatabaseSettings,
  { applicationName, connectMs, answerMs }: DatabaseConnectionOptions,
): DatabaseConnection {
  const { POSTGRES_HOST: host, POSTGRES_PORT: port } = settings
  let state: 'unopened' | 'open' | 'lost' = 'unopened'
  const lose = () => {
    state = 'lost'
  }
  const options = {
    host,
    port,
    user: settings.POSTGRES_USER,
    password: settings.POSTGRES_PASSWORD,
    database: settings.POSTGRES_DB,
    prepare: settings.POSTGRES_PREPARE,
    max: 1,
    connect_timeout: connectMs / 1000,
    max_lifetime: null,
    // The types of extensions and arrays are not used: one round trip less per connection.
    fetch_types: false,
    onnotice: () => undefined,
    connection: { application_name: applicationName, TimeZone: 'UTC' },
    // Known to the driver, missing from its types. Our listeners come first: a query's error finds the state set.
    socket: async () => {
      if (state !== 'unopened') throw lost('CONNECTION_CLOSED', 'the connection was lost')
      state = 'open'
      const socket = await open(settings, connectMs)
      return impatient(socket, answerMs).once('error', lose).once('close', lose)
    },
  }
  const sql = postgres(options)
  return {
    sql,
    isUsable: () => state !== 'lost',
    close: (timeoutSeconds = 0) => {
      lose()
      return sql.end({ timeout: timeoutSeconds })
    },
  }
}
