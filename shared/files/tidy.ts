/** Clears away bytes that nobody has: what uploads left that were broken off, and contents that went. */
import { looseFrom } from './files.ts'
import type { FilePorts } from './ports.ts'

const CLAIM_MS = 10 * 60_000
/** By then, whoever wrote to an upload that was given up has found out. */
const GIVEN_UP_MS = 10 * 60_000

type Deps = Pick<FilePorts, 'catalogue' | 'blobs' | 'now' | 'log'>

/**
 * Removes up to `limit` bodies that are due, and says how many. Any number may run at once, and one that dies is taken
 * over. A body that cannot be removed is tried again later, and keeps nobody from the others.
 */
export async function clearLoose({ catalogue, blobs, now, log }: Deps, limit: number): Promise<number> {
  const at = now()
  const later = (ms: number): Date => new Date(at.getTime() + ms)
  let removed = 0
  for (const body of await catalogue.claimLoose(at, { claimed: later(CLAIM_MS), givenUp: later(GIVEN_UP_MS) }, limit)) {
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

export interface Tidied {
  readonly removed: number
  /** Contents that lost their last holder when a process died. */
  readonly orphans: number
}

/** The whole of it, for a sweep. */
export async function tidy(deps: Deps, limit = 100): Promise<Tidied> {
  const orphans = await deps.catalogue.loosenOrphans(looseFrom(deps.now()), limit)
  return { orphans, removed: await clearLoose(deps, limit) }
}
