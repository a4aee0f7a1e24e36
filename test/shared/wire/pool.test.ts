/** However many ports of a function use the database, it has the connections of one pool. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../../shared/settings/config.ts'
import { createAmbient } from '../../../shared/wire/context.ts'
import { databaseOf } from '../../../shared/wire/database.ts'
import { dtSettings } from '../../../shared/wire/dt.ts'
import { dtRetention } from '../../../shared/wire/dt-retention.ts'
import { dtStore } from '../../../shared/wire/dt-store.ts'
import { databaseEnvironment } from '../../sandbox/settings.ts'
import { startTestDatabases } from '../../sandbox/test-databases.ts'

let databases: Awaited<ReturnType<typeof startTestDatabases>>
beforeAll(async () => {
  databases = await startTestDatabases()
}, 60_000)
afterAll(() => databases.stop())

test('the loop of digital twins keeps to POSTGRES_MAX with its store and its garbage collection together', async () => {
  const env = { ...databaseEnvironment(await databases.create()), DT_TOKEN_KEY: 'k'.repeat(32), POSTGRES_MAX: '1' }
  const config = loadConfig(['database', 'tokens'], env)
  const ambient = createAmbient(() => {}, dtSettings(config))
  const context = { config, env, ambient }
  const { store } = dtStore(context)
  const { collectGarbage } = dtRetention(context)
  await Promise.all([store.ping(), collectGarbage(), store.unfinished(new Date()), collectGarbage()])
  const [{ connections }] = await databaseOf(context).query(
    (sql) => sql<[{ connections: number }]>`
      select count(*)::integer as connections from pg_stat_activity
      where datname = current_database() and application_name = 'flame-po'`,
  )
  expect(connections).toBe(1)
  await databaseOf(context).end()
})
