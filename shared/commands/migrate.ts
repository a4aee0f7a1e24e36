/** Migrates the database of the `database` settings and exits: a Job that runs before a rollout. */
import { connect } from '../adapters/postgres/database.ts'
import { defaultFolder, migrate } from '../adapters/postgres/migrate.ts'
import { loadConfig } from '../settings/config.ts'

/** Migrations wait for each other, and a large table takes minutes. */
const ANSWER_MS = 10 * 60 * 1000

const config = loadConfig(['database'])
const database = connect({ ...config, POSTGRES_MAX: 1 }, { applicationName: 'flame-po-migrate', answerMs: ANSWER_MS })
try {
  const applied = await migrate(database, process.argv[2] ?? defaultFolder())
  console.log(JSON.stringify({ timestamp: new Date().toISOString(), level: 'info', logger: 'migrate', applied }))
} finally {
  await database.end({ timeout: 5 })
}
