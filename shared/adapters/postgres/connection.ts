/** One connection to PostgreSQL that never reconnects. */
import type { Socket } from 'node:net'
import postgres, { type Sql } from 'postgres'
import type { Config } from '../../settings/config.ts'
import { lost, open } from './socket.ts'

export type DatabaseSettings = Pick<Config, Extract<keyof Config, `POSTGRES_${string}`>>

export interface DatabaseConnectionOptions {
  readonly applicationName: string
  readonly connectMs: number
  /** The connection is closed if the server sends nothing for this time after a query. */
  readonly answerMs: number
}

/**
 * The driver would reconnect and run the rest of a transaction on the new connection. It would also end the process when it
 * writes to a connection that was closed inside a transaction (its issues 1208, 1154, 1133). So a lost connection stays lost.
 */
export interface DatabaseConnection {
  readonly sql: Sql
  isUsable(): boolean
  close(timeoutSeconds?: number): Promise<void>
}

/**
 * Destroys a socket if no data follows a write in time. `statement_timeout` does not help: a server that hangs does not
 * enforce it, and poolers reject it as a startup parameter.
 */
function withAnswerTimeout(socket: Socket, answerMs: number): Socket {
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

/** Opens the connection with the first query. */
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
    // Types of extensions and arrays are not used; this saves a round trip per connection.
    fetch_types: false,
    onnotice: () => undefined,
    connection: { application_name: applicationName, TimeZone: 'UTC' },
    // Missing from the driver's types. Our listeners are the first, so the state is set when a query fails.
    socket: async () => {
      if (state !== 'unopened') throw lost('CONNECTION_CLOSED', 'the connection was lost')
      state = 'open'
      const socket = await open(settings, connectMs)
      return withAnswerTimeout(socket, answerMs).once('error', lose).once('close', lose)
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
