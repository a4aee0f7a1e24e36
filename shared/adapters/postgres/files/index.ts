/**
 * The Catalogue port on PostgreSQL: composes the query functions of this folder, gives each call its transaction, its
 * deadline and its faults. May import ports types, model, fault; never a use case.
 */

import type { Body } from '../../../files/model.ts'
import type { Catalogue } from '../../../files/ports.ts'
import { Fault } from '../../../platform/fault.ts'
import type { Database } from '../database.ts'
import { guarded } from '../faults.ts'
import type { Clock, Db } from '../rows.ts'
import * as contents from './contents.ts'
import * as files from './files.ts'

export { connect, type Database } from '../database.ts'
export { checkAuthority } from '../socket.ts'
export { createBlobs } from './blobs.ts'
export { createRuns } from './runs.ts'

const ORPHANS_WINDOW = 10_000
const FIRST = '0' as Body

interface CatalogueOptions {
  readonly now?: Clock
  /** Time for one call. */
  readonly callMs?: number
  /** Above so many bytes of contents no upload begins. */
  readonly limitBytes?: number
}

/** The sum over all contents is not asked for more often; what comes meanwhile may pass the limit. */
const STORED_MS = 10_000

export function createCatalogue({ query, transaction }: Database, options: CatalogueOptions = {}): Catalogue {
  const { now: clock = () => new Date(), callMs = 5000, limitBytes = Number.POSITIVE_INFINITY } = options
  /** Where the last look for orphans ended. Contents are looked at in turn: they may be millions, and a look is due each tick. */
  let looked = FIRST
  /** In a transaction of its own: two that trade contents would wait for each other. */
  const release = (body: Parameters<typeof contents.release>[1], at: Date) =>
    transaction((tx) => contents.release(tx, body, at))

  let stored = { bytes: 0, at: Number.NEGATIVE_INFINITY }
  async function assertRoom(sql: Db): Promise<void> {
    if (limitBytes === Number.POSITIVE_INFINITY) return
    const at = clock().getTime()
    if (at - stored.at >= STORED_MS) stored = { bytes: await contents.total(sql), at }
    if (stored.bytes >= limitBytes)
      throw new Fault('too_large', `The store of files is full: it may have ${limitBytes} bytes (DT_STORE_LIMIT)`)
  }

  return guarded<Catalogue>(
    {
      begin: (until) =>
        query(async (sql) => {
          await assertRoom(sql)
          return contents.begin(sql, until)
        }),
      extend: (body, until) => query((sql) => contents.extend(sql, body, until)),
      discard: (body) => query((sql) => contents.discard(sql, body, clock())),
      add: (received, file) => transaction((tx) => files.add(tx, received, file)),
      async replace(received, id, change) {
        const replaced = await transaction((tx) => files.replace(tx, received, id, change))
        if (!replaced) return undefined
        if (replaced.before !== replaced.file.body) await release(replaced.before, change.orphanedAt)
        return replaced.file
      },
      restore: (received, file) => transaction((tx) => files.restore(tx, received, file, clock())),
      find: (id) => query((sql) => files.find(sql, id)),
      list: (skip, limit) => query((sql) => files.list(sql, skip, limit)),
      remove: (id, orphanedAt, expected) => transaction((tx) => files.remove(tx, id, orphanedAt, expected)),
      claimOrphans: (now, until, limit) => query((sql) => contents.claimOrphans(sql, now, until, limit)),
      forget: (body) => query((sql) => contents.forget(sql, body)),
      async loosenOrphans(orphanedAt, limit) {
        const { seen, bodies } = await query((sql) => contents.orphans(sql, looked, ORPHANS_WINDOW))
        const some = bodies.slice(0, limit)
        const count = await transaction((tx) => contents.releaseMany(tx, some, orphanedAt))
        looked = some.length < bodies.length ? looked : (seen ?? FIRST)
        return count
      },
    },
    () => callMs,
  )
}
