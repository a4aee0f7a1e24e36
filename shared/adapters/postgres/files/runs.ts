/** The Runs port on PostgreSQL. */
import type { Body } from '../../../files/model.ts'
import type { Runs } from '../../../files/ports.ts'
import type { Database } from '../connect.ts'
import { guarded } from '../faults.ts'
import { release } from './contents.ts'
import * as found from './inputs.ts'
import * as left from './outputs.ts'

/** A set may have a hundred thousand files. */
const CALL_MS = 30_000

export function createRuns({ query, transaction }: Database): Runs {
  /** Each in a transaction of its own: locks of contents are taken one at a time. */
  async function letGo(bodies: readonly Body[], looseAt: Date): Promise<void> {
    for (const body of new Set(bodies)) await transaction((tx) => release(tx, body, looseAt))
  }

  return guarded<Runs>(
    {
      async inputs(id, firing, looseAt) {
        if (!(await query((sql) => found.isThere(sql, id)))) return undefined
        await letGo(await transaction((tx) => found.refresh(tx, id)), looseAt)
        return query((sql) => found.inputs(sql, id, firing))
      },
      held: (id, sha256) => query((sql) => found.held(sql, id, sha256)),
      output: (id, seq) => query((sql) => left.output(sql, id, seq)),
      open: (run, now) => transaction((tx) => left.open(tx, run, now)),
      async keep(received, run, path, { at, looseAt }) {
        const kept = await transaction((tx) => left.keep(tx, received, run, path, at))
        if (kept?.before) await letGo([kept.before], looseAt)
        return kept !== undefined
      },
      complete: (run, files, notes, now) => transaction((tx) => left.complete(tx, run, files, notes, now)),
      giveUp: async (run, reason, notes, { at, looseAt }) =>
        letGo(await transaction((tx) => left.giveUp(tx, run, reason, notes, at)), looseAt),
    },
    () => CALL_MS,
  )
}
