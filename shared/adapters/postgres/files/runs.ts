/** The Runs port on PostgreSQL. */
import type { Body } from '../../../files/model.ts'
import type { Runs } from '../../../files/ports.ts'
import type { Database } from '../database.ts'
import { guarded } from '../faults.ts'
import { releaseMany } from './contents.ts'
import * as found from './inputs.ts'
import * as left from './outputs.ts'
import { standing } from './standing.ts'

/** A set may have as many files as `DT_OUTPUT_FILES` says. */
const CALL_MS = 30_000
/** Contents that are let go in one transaction, so that a set of many costs few of them and holds no lock for long. */
const RELEASED = 500

export function createRuns({ query, transaction }: Database): Runs {
  async function letGo(bodies: readonly Body[], orphanedAt: Date): Promise<void> {
    const each = [...new Set(bodies)]
    for (let from = 0; from < each.length; from += RELEASED)
      await transaction((tx) => releaseMany(tx, each.slice(from, from + RELEASED), orphanedAt))
  }
  const letOneGo = (body: Body | undefined, orphanedAt: Date) => letGo(body === undefined ? [] : [body], orphanedAt)

  return guarded<Runs>(
    {
      standing: (run) => query((sql) => standing(sql, run)),
      async inputs(id, firing, page, orphanedAt) {
        if (!(await query((sql) => found.isThere(sql, id)))) return undefined
        if (page.after === '') await letGo(await transaction((tx) => found.refresh(tx, id)), orphanedAt)
        return query((sql) => found.inputs(sql, id, firing, page))
      },
      held: (id, sha256, firing) => query((sql) => found.held(sql, id, sha256, firing)),
      output: (id, seq) => query((sql) => left.output(sql, id, seq)),
      open: (run, now) => transaction((tx) => left.open(tx, run, now)),
      used: (run, path) => query((sql) => left.used(sql, run, path)),
      taken: (run, page) => query((sql) => left.taken(sql, run, page)),
      async keep(received, run, path, limits, { at, orphanedAt }) {
        const { kept, before } = await transaction((tx) => left.keep(tx, received, run, { path, limits, at }))
        await letOneGo(before, orphanedAt)
        return kept
      },
      async link(run, path, sha256, limits, { orphanedAt }) {
        const linked = await transaction((tx) => left.link(tx, sha256, run, { path, limits }))
        await letOneGo(linked?.before, orphanedAt)
        return linked?.kept
      },
      complete: (run, digest, ids, notes, now) =>
        transaction((tx) => left.complete(tx, run, digest, { ids, notes, now })),
      giveUp: async (run, reason, notes, { at, orphanedAt }) =>
        letGo(await transaction((tx) => left.giveUp(tx, run, reason, notes, at)), orphanedAt),
      abandoned: (before, limit) => query((sql) => left.abandoned(sql, before, limit)),
    },
    () => CALL_MS,
  )
}
