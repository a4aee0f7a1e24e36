/** A suite on a migrated database with two pools: straight, and through pgbouncer in transaction mode where there is one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type Database } from '../../../../shared/adapters/postgres/database.ts'
import { databaseSettings } from '../../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../../sandbox/test-databases.ts'
import { keepsPrepared, type Pooler, poolerVersion, startPooler } from './pgbouncer.ts'

type Pools = () => readonly [Database, Database]

const version = poolerVersion()
const MISSING = 'pgbouncer is not on the PATH, nothing was tested through it: apt-get install pgbouncer'
const OLD = `pgbouncer ${version?.join('.')} keeps no prepared statements in transaction mode (1.21 does): not tested`

/** Skips are said; with CI set they are failures. */
export function onEachWay(suite: (name: string, pools: Pools) => void): void {
  let databases: TestDatabases
  beforeAll(async () => {
    databases = await startTestDatabases()
  })
  afterAll(() => databases?.stop())

  const way = (name: string, prepare: boolean, port: () => number) => {
    let pools: readonly [Database, Database]
    beforeAll(async () => {
      const settings = {
        ...databaseSettings({ ...(await databases.create()), port: port() }),
        POSTGRES_PREPARE: prepare,
      }
      pools = [connect(settings), connect(settings)]
    })
    afterAll(() => Promise.all((pools ?? []).map((pool) => pool.end({ timeout: 1 }))))
    suite(name, () => pools)
  }
  const throughPooler = (name: string, prepare: boolean) =>
    describe(name, () => {
      let pooler: Pooler
      beforeAll(async () => {
        pooler = await startPooler(databases.server, prepare)
      })
      afterAll(() => pooler?.stop())
      way(name, prepare, () => pooler.port)
    })

  describe('straight', () => way('PostgreSQL', true, () => databases.server.port))
  if (!version) {
    console.error(MISSING)
    test.skipIf(!process.env['CI'])('works through pgbouncer', () => expect.fail(MISSING))
    return
  }
  throughPooler('pgbouncer', false)
  if (keepsPrepared(version)) throughPooler('pgbouncer that keeps statements', true)
  else console.error(OLD)
}
