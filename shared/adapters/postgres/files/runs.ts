/** The Runs port on PostgreSQL. */
import type { Body } from '../../../files/model.ts'
import type { Runs } from '../../../files/ports.ts'
import type { Database } from '../database.ts'
import { withDeadlines } from '../faults.ts'
import { releaseContents } from './contents.ts'
import * as found from './inputs.ts'
import * as left from './outputs.ts'
import { standing } from './standing.ts'

/** Enough for a set with `DT_OUTPUT_FILES` files. */
const CALL_MS = 30_000
/** Contents per transaction of a release: few transactions, and no long locks. */
const RELEASE_BATCH = 500

export function createRuns({ query, transaction }: Database): Runs {
  async function release(bodies: readonly (Body | undefined)[], orphanedAt: Date): Promise<void> {
    const each = [...new Set(bodies)].filter((body) => body !== undefined)
    for (let from = 0; from < each.length; from += RELEASE_BATCH)
      await transaction((tx) => releaseContents(tx, each.slice(from, from + RELEASE_BATCH), orphanedAt))
  }

  return withDeadlines<Runs>(
    {
      standing: (run) => query((sql) => standing(sql, run)),
      async inputs(id, firing, page, orphanedAt) {
        if (!(await query((sql) => found.isThere(sql, id)))) return undefined
        if (page.after === '') await release(await transaction((tx) => found.refresh(tx, id)), orphanedAt)
        return query((sql) => found.inputs(sql, id, firing, page))
      },
      findContent: (id, sha256, scope) => query((sql) => found.findContent(sql, id, sha256, scope)),
      output: (id, seq) => query((sql) => left.output(sql, id, seq)),
      open: (run, now) => transaction((tx) => left.open(tx, run, now)),
      used: (run, path) => query((sql) => left.used(sql, run, path)),
      taken: (run, page) => query((sql) => left.taken(sql, run, page)),
      async keep(received, run, path, limits, { at, orphanedAt }) {
        const { kept, before } = await transaction((tx) => left.keep(tx, received, run, { path, limits }, at))
        await release([before], orphanedAt)
        return kept
      },
      async link(run, path, sha256, limits, { orphanedAt }) {
        const linked = await transaction((tx) => left.link(tx, sha256, run, { path, limits }))
        await release([linked?.before], orphanedAt)
        return linked?.kept
      },
      complete: (run, digest, ids, notes, now) =>
        transaction((tx) => left.complete(tx, run, digest, { ids, notes, now })),
      giveUp: async (run, reason, notes, { at, orphanedAt }) =>
        release(await transaction((tx) => left.giveUp(tx, run, reason, notes, at)), orphanedAt),
      abandoned: (before, limit) => query((sql) => left.abandoned(sql, before, limit)),
    },
    () => CALL_MS,
  )
}
