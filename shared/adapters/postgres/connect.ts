/** Connections to PostgreSQL, straight or through a pooler in transaction mode. */
import { connect as openSocket, type Socket } from 'node:net'
import postgres, { type Sql } from 'postgres'
import type { Config } from '../../config.ts'

export type DatabaseSettings = Pick<
  Config,
  | 'POSTGRES_HOST'
  | 'POSTGRES_PORT'
  | 'POSTGRES_USER'
  | 'POSTGRES_PASSWORD'
  | 'POSTGRES_DB'
  | 'POSTGRES_MAX'
  | 'POSTGRES_PREPARE'
>

export interface ConnectOptions {
  /** Shown by the server beside the connection. */
  readonly applicationName?: string
  /** A connection whose server stays silent for so long after a question is given up. */
  readonly answerMs?: number
  readonly connectMs?: number
}

/**
 * A socket that destroys itself when nothing comes back for what was written. A `statement_timeout` would not do: a
 * server that hangs cannot keep it, and poolers refuse it as a start parameter.
 */
function impatientSocket(host: string, port: number, answerMs: number): Socket {
  const socket = openSocket({ host, port, noDelay: true })
  let waiting = false
  const write = socket.write
  socket.write = ((...args: Parameters<Socket['write']>) => {
    waiting = true
    return write.apply(socket, args)
  }) as Socket['write']
  socket.on('data', () => {
    waiting = false
  })
  socket.setTimeout(answerMs, () => {
    if (!waiting) return
    socket.destroy(Object.assign(new Error(`no answer within ${answerMs} ms`), { code: 'ETIMEDOUT' }))
  })
  return socket
}

/** Makes a pool. It opens nothing before the first query, and reopens what was lost. */
export function connect(config: DatabaseSettings, options: ConnectOptions = {}): Sql {
  const { applicationName = 'flame-po', answerMs = 5000, connectMs = 5000 } = options
  const { POSTGRES_HOST: host, POSTGRES_PORT: port } = config
  const settings = {
    host,
    port,
    user: config.POSTGRES_USER,
    password: config.POSTGRES_PASSWORD,
    database: config.POSTGRES_DB,
    max: config.POSTGRES_MAX,
    prepare: config.POSTGRES_PREPARE,
    connect_timeout: connectMs / 1000,
    idle_timeout: 30,
    // Seconds before a lost connection is tried again: short, so that we are back when the database is.
    backoff: (attempt: number) => Math.min(0.05 * 2 ** attempt, 1),
    // The types of extensions and arrays are not used: one round trip less per connection.
    fetch_types: false,
    onnotice: () => undefined,
    connection: { application_name: applicationName, TimeZone: 'UTC' },
    // Known to the package, missing from its types.
    socket: () => impatientSocket(host, port, answerMs),
  }
  return postgres(settings)
}
