/** The PostgreSQL store, straight and through a pooler, against what every store owes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, createStore, type Database } from '../../../../shared/adapters/postgres/index.ts'
import { storeConformance } from '../../../conformance/store.ts'
import { databaseSettings, startTestDatabases, type TestDatabases } from '../../../sandbox/postgres.ts'
import { keepsPrepared, type Pooler, poolerVersion, startPooler } from './pgbouncer.ts'

let databases: TestDatabases

beforeAll(async () => {
  databases = await startTestDatabases()
})
afterAll(() => databases?.stop())

const TABLES = ['identity', 'analysis', 'run', 'line', 'snapshot', 'report', 'change', 'archive', 'removal', 'loop']

/** The suite on one database with two pools, emptied before each test. `port`: of a pooler in front of the server. */
function suite(name: string, prepare: boolean, port: () => number): void {
  let pools: readonly [Database, Database]
  beforeAll(async () => {
    const settings = databaseSettings({ ...(await databases.create()), port: port() })
    const pool = () => connect({ ...settings, POSTGRES_PREPARE: prepare })
    pools = [pool(), pool()]
  })
  afterAll(() => Promise.all(pools.map((pool) => pool.end({ timeout: 1 }))))
  storeConformance(name, async (now) => {
    const [pool, other] = pools
    await pool.query((sql) => sql.unsafe(`truncate ${TABLES.map((table) => `po.${table}`).join(', ')}`))
    return { store: createStore(pool, { now }), other: createStore(other, { now }) }
  })
}

describe('straight', () => suite('PostgreSQL', true, () => databases.server.port))

function throughPooler(prepare: boolean): void {
  let pooler: Pooler
  beforeAll(async () => {
    pooler = await startPooler(databases.server, prepare)
  })
  afterAll(() => pooler?.stop())
  suite(prepare ? 'pgbouncer that keeps statements' : 'pgbouncer', prepare, () => pooler.port)
}

const version = poolerVersion()
const missing = 'pgbouncer is not on the PATH, the store was not tested through it: apt-get install pgbouncer'
if (!version) {
  console.error(missing)
  test.skipIf(!process.env['CI'])('the store works through pgbouncer', () => expect.fail(missing))
} else {
  describe('transaction mode', () => throughPooler(false))
  if (keepsPrepared(version)) describe('transaction mode with prepared statements', () => throughPooler(true))
  else
    console.error(
      `pgbouncer ${version.join('.')} keeps no prepared statements in transaction mode (1.21 does): not tested`,
    )
}
