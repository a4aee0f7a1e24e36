/**
 * The Catalogue port on PostgreSQL: runs the query functions of this folder in transactions, with deadlines and faults.
 * May import port types, model, fault; never a use case.
 */

import type { Body } from '../../../files/model.ts'
import type { Catalogue } from '../../../files/ports.ts'
import { Fault } from '../../../platform/fault.ts'
import type { Database } from '../database.ts'
import { withDeadlines } from '../faults.ts'
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
  /** Deadline of a call. */
  readonly callMs?: number
  /** No upload begins when all contents together have this many bytes. */
  readonly limitBytes?: number
}

/** How long the sum over all contents is cached. Uploads meanwhile may exceed the limit. */
const STORED_MS = 10_000

export function createCatalogue({ query, transaction }: Database, options: CatalogueOptions = {}): Catalogue {
  const { now: clock = () => new Date(), callMs = 5000, limitBytes = Number.POSITIVE_INFINITY } = options
  /** Where the next search for orphans begins. Each tick searches a part, because there may be millions of contents. */
  let searched = FIRST
  let stored = { bytes: 0, at: Number.NEGATIVE_INFINITY }
  async function assertRoom(sql: Db): Promise<void> {
    if (limitBytes === Number.POSITIVE_INFINITY) return
    const at = clock().getTime()
    if (at - stored.at >= STORED_MS) stored = { bytes: await contents.total(sql), at }
    if (stored.bytes >= limitBytes)
      throw new Fault('too_large', `The store of files is full: it may have ${limitBytes} bytes (DT_STORE_LIMIT)`)
  }

  return withDeadlines<Catalogue>(
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
        if (replaced.before !== replaced.file.body)
          await transaction((tx) => contents.releaseContent(tx, replaced.before, change.orphanedAt))
        return replaced.file
      },
      restore: (received, file) => transaction((tx) => files.restore(tx, received, file, clock())),
      find: (id) => query((sql) => files.find(sql, id)),
      list: (skip, limit) => query((sql) => files.list(sql, skip, limit)),
      remove: (id, orphanedAt, expected) => transaction((tx) => files.remove(tx, id, orphanedAt, expected)),
      claimOrphans: (now, until, limit) => query((sql) => contents.claimOrphans(sql, now, until, limit)),
      forget: (body) => query((sql) => contents.forget(sql, body)),
      async markOrphans(orphanedAt, limit) {
        const { seen, bodies } = await query((sql) => contents.orphans(sql, searched, ORPHANS_WINDOW))
        const some = bodies.slice(0, limit)
        const count = await transaction((tx) => contents.releaseContents(tx, some, orphanedAt))
        searched = some.length < bodies.length ? searched : (seen ?? FIRST)
        return count
      },
    },
    () => callMs,
  )
}
