/** Collects garbage: bytes of uploads and runs that were broken off, and of contents without a holder. */
import { orphanedFrom } from './files.ts'
import type { FilePorts, RunPorts } from './ports.ts'

const CLAIM_MS = 10 * 60_000
/** By then, whoever wrote to an upload that was given up has found out. */
const GIVEN_UP_MS = 10 * 60_000

type Deps = Pick<FilePorts, 'catalogue' | 'blobs' | 'now' | 'log'>

/**
 * Removes up to `limit` bodies that are due, and says how many. Any number may run at once, and one that dies is taken
 * over. A body that cannot be removed is tried again later, and keeps nobody from the others.
 */
async function removeOrphans({ catalogue, blobs, now, log }: Deps, limit: number): Promise<number> {
  const at = now()
  const later = (ms: number): Date => new Date(at.getTime() + ms)
  let removed = 0
  for (const body of await catalogue.claimOrphans(
    at,
    { claimed: later(CLAIM_MS), givenUp: later(GIVEN_UP_MS) },
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

/** By then a program that is still at work has had its answer. */
const ABANDONED_MS = 10 * 60_000
/** Each may have thousands of files. */
const ABANDONED_LIMIT = 10

type SetDeps = Pick<RunPorts, 'runs' | 'now' | 'log'>

/** Gives up the sets of runs that ended without completing them. One that fails is tried again. */
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

interface Tidied {
  /** Sets of runs that ended without completing them. */
  readonly closed: number
  readonly removed: number
  /** Contents that lost their last holder when a process died. */
  readonly orphans: number
}

/** The whole of it, for a sweep. */
export async function collectGarbage(deps: Deps & SetDeps, limit = 100): Promise<Tidied> {
  const closed = await closeAbandoned(deps)
  const orphans = await deps.catalogue.loosenOrphans(orphanedFrom(deps.now()), limit)
  return { closed, orphans, removed: await removeOrphans(deps, limit) }
}
