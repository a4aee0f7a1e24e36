/** Collects garbage: bytes of interrupted uploads and runs, and of contents without references. */
import { orphanedFrom } from './files.ts'
import type { FilePorts, RunPorts } from './ports.ts'

const CLAIM_MS = 10 * 60_000
/** By then the writer of an expired upload has failed to extend its lease. */
const WRITER_MS = 10 * 60_000

type Deps = Pick<FilePorts, 'catalogue' | 'blobs' | 'now' | 'log'>

/**
 * Removes up to `limit` bodies that are due, and resolves to their number. Concurrent calls claim different bodies. A body that
 * cannot be removed is retried later, and the others are removed nevertheless.
 */
async function removeOrphans({ catalogue, blobs, now, log }: Deps, limit: number): Promise<number> {
  const at = now()
  const later = (ms: number): Date => new Date(at.getTime() + ms)
  let removed = 0
  for (const body of await catalogue.claimOrphans(
    at,
    { claimed: later(CLAIM_MS), abandoned: later(WRITER_MS) },
    limit,
  )) {
    try {
      await blobs.remove(body)
      await catalogue.forget(body)
      removed += 1
    } catch (error) {
      log('warn', 'bytes not removed', { body, error })
    }
  }
  return removed
}

/** By then requests in progress have been answered. */
const ABANDONED_MS = 10 * 60_000
/** Each may have thousands of files. */
const ABANDONED_LIMIT = 10

type SetDeps = Pick<RunPorts, 'runs' | 'now' | 'log'>

/** Closes the sets of runs that ended without completing them. A failed one is retried later. */
export async function closeAbandoned({ runs, now, log }: SetDeps): Promise<number> {
  const at = now()
  let closed = 0
  for (const run of await runs.abandoned(new Date(at.getTime() - ABANDONED_MS), ABANDONED_LIMIT)) {
    try {
      await runs.giveUp(run, 'the run ended before all of them were stored', [], { at, orphanedAt: orphanedFrom(at) })
      closed += 1
    } catch (error) {
      log('warn', 'outputs of an ended run not given up', { ...run, error })
    }
  }
  return closed
}

/** All of it, for a sweep. Orphans are contents that lost their last reference when a process died. */
export async function collectGarbage(deps: Deps & SetDeps, limit = 100) {
  const closed = await closeAbandoned(deps)
  const orphans = await deps.catalogue.markOrphans(orphanedFrom(deps.now()), limit)
  return { closed, orphans, removed: await removeOrphans(deps, limit) }
}
