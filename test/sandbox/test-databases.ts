/**
 * Databases for test files, copies of a migrated template, on the one server of a test run: vitest's global setup
 * (`shared-postgres.ts`) answers at `TEST_POSTGRES` with its login. Without it, and where a file changes the server itself, the
 * file has a server of its own.
 */
import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { connect } from '../../shared/adapters/postgres/database.ts'
import { migrate } from '../../shared/adapters/postgres/migrate.ts'
import { databaseSettings, type Login, type PostgresServer, startPostgres } from './postgres.ts'

export interface TestDatabases {
  readonly server: PostgresServer
  /** A new database and its login; a migrated one unless it is to be empty. */
  create(kind?: 'migrated' | 'empty'): Promise<Login>
  stop(): Promise<void>
}

const MIGRATED = 'template_migrated'
/** For all files that run at once, each with several pools. */
const MAX_CONNECTIONS = 500

export async function startMigrated(): Promise<PostgresServer> {
  const server = await startPostgres({ database: MIGRATED, settings: [`max_connections=${MAX_CONNECTIONS}`] })
  const template = connect(databaseSettings(server))
  await migrate(template)
  await template.end()
  return server
}

async function findServer(url: string): Promise<PostgresServer> {
  const answer = await fetch(url)
  const body = await answer.text()
  if (!answer.ok) throw new Error(body)
  return { ...(JSON.parse(body) as PostgresServer), stop: () => Promise.resolve() }
}

/** `own`: a server that no other file uses. */
export async function startTestDatabases({ own = false } = {}): Promise<TestDatabases> {
  const url = process.env['TEST_POSTGRES']
  const server = url && !own ? await findServer(url) : await startMigrated()
  const { host, port, user, password } = server
  const admin = postgres({
    ...{ host, port, user, password, database: 'postgres' },
    ...{ max: 1, fetch_types: false, onnotice: () => undefined },
  })
  const created: string[] = []
  return {
    server,
    async create(kind = 'migrated') {
      const database = `test_${randomUUID().replaceAll('-', '')}`
      created.push(database)
      const from = kind === 'empty' ? 'template1' : MIGRATED
      await admin`create database ${admin(database)} template ${admin(from)} strategy file_copy`
      return { host, port, user, password, database }
    },
    async stop() {
      for (const database of created) await admin`drop database if exists ${admin(database)} with (force)`
      await admin.end({ timeout: 1 })
      await server.stop()
    },
  }
}
