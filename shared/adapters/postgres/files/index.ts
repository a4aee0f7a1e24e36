/**
 * The Catalogue port on PostgreSQL: composes the query functions of this folder, gives each call its transaction, its
 * deadline and its faults. May import ports types, model, fault; never a use case.
 */
import type { Catalogue } from '../../../files/ports.ts'
import type { Database } from '../connect.ts'
import { guarded } from '../faults.ts'
import type { Clock } from '../rows.ts'
import * as contents from './contents.ts'
import * as files from './files.ts'

export { connect, type Database } from '../connect.ts'
export { checkAuthority } from '../socket.ts'
export { createBlobs } from './blobs.ts'
export { createRuns } from './runs.ts'

export interface CatalogueOptions {
  readonly now?: Clock
  /** Time for one call. */
  readonly callMs?: number
}

export function createCatalogue({ query, transaction }: Database, options: CatalogueOptions = {}): Catalogue {
  const { now: clock = () => new Date(), callMs = 5000 } = options
  /** Each in a transaction of its own: locks of contents are taken one at a time. */
  const release = (body: Parameters<typeof contents.release>[1], at: Date) =>
    transaction((tx) => contents.release(tx, body, at))

  return guarded<Catalogue>(
    {
      begin: (until) => query((sql) => contents.begin(sql, until)),
      extend: (body, until) => query((sql) => contents.extend(sql, body, until)),
      discard: (body) => query((sql) => contents.discard(sql, body, clock())),
      add: (received, file) => transaction((tx) => files.add(tx, received, file)),
      async replace(received, id, change) {
        const replaced = await transaction((tx) => files.replace(tx, received, id, change))
        if (!replaced) return undefined
        if (replaced.before !== replaced.file.body) await release(replaced.before, change.looseAt)
        return replaced.file
      },
      restore: (received, file) => transaction((tx) => files.restore(tx, received, file, clock())),
      find: (id) => query((sql) => files.find(sql, id)),
      list: (skip, limit) => query((sql) => files.list(sql, skip, limit)),
      remove: (id, looseAt) => transaction((tx) => files.remove(tx, id, looseAt)),
      claimLoose: (now, until, limit) => query((sql) => contents.claimLoose(sql, now, until, limit)),
      forget: (body) => query((sql) => contents.forget(sql, body)),
      async loosenOrphans(looseAt, limit) {
        let count = 0
        for (const body of await query((sql) => contents.orphans(sql, limit)))
          if (await release(body, looseAt)) count += 1
        return count
      },
    },
    () => callMs,
  )
}
