/**
 * One sweep of the status loop: claim what is due, read the world once, poll the analyses side by side and do what follows
 * for each; at the same time removals are carried on, the Hub is told, and changes are. What fails or is slow concerns
 * itself alone. Running it twice changes nothing.
 */

import { allSettledOrThrow, mapConcurrent, withLimit } from '../../platform/concurrency.ts'
import type { Drained } from '../../platform/drain.ts'
import { isFault } from '../../platform/fault.ts'
import type { Analysis } from '../model.ts'
import { type PublishingPorts, publishChanges } from '../publish.ts'
import { REMOVAL_LEASE_MS, release } from '../release.ts'
import { deliver } from '../report.ts'
import { removeZombies } from '../zombies.ts'
import { ask, follow, type LookPorts } from './look.ts'
import { createMemory, type Memory } from './memory.ts'
import type { Poll } from './observe.ts'
import { readWorld, type World } from './world.ts'

export type SweepPorts = LookPorts & PublishingPorts

export interface SweepReport {
  readonly analyses: number
  readonly removals: number
  readonly delivered: number
  readonly told: number
  readonly failed: number
}

const CLAIM_LEASE_MS = 60_000
const CLAIM_LIMIT = 10_000
const REMOVAL_LIMIT = 1000
/** Polls wait for analyses that may hang, acts use Kubernetes, the database and the Hub: they do not share their places. */
const POLLS = 384
const ACTS = 64
const REMOVALS = 16
/**
 * An analysis whose reconciliation ended its process is a suspect, and so are all that were claimed with it. They are
 * reconciled after the others, in groups that get smaller with each process that died, at last alone: the one to blame is
 * found, and only it waits longer and longer.
 */
const SUSPECTS = [64, 8, 1] as const
/** No group of suspects, nor a suspect removal, is begun later than this after the sweep began. */
const SUSPECTS_MS = 30_000
const DELIVERY_MS = 5000

type Failed = (error: unknown, id: string) => void

/** Kubernetes is read when so many analyses have answered: taking in its lists would hold up the answers of the others. */
const MOST = 0.75

/** Resolves when most have answered, or one has not: whoever hangs holds up nobody for longer than an answer may take. */
function mostAnswered(polls: readonly Promise<Poll | undefined>[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let open = Math.ceil(polls.length * MOST)
  if (open === 0) resolve()
  for (const polling of polls)
    void polling.then((polled) => {
      open -= 1
      if (open <= 0 || polled?.error !== undefined) resolve()
    }, resolve)
  return promise
}

/**
 * Polls all, then reads Kubernetes, and begins what follows from each poll as soon as there is a place for it.
 * @throws Fault when Kubernetes cannot be read; without it no verdict is given
 */
async function lookAtAll(ports: SweepPorts, memory: Memory, due: readonly Analysis[], failed: Failed): Promise<World> {
  const [polls, acts] = [withLimit(POLLS), withLimit(ACTS)]
  const looks = due.map((analysis) => ({ analysis, polling: polls(() => ask(ports, analysis)) }))
  const pollings = looks.map(({ polling }) => polling)
  await mostAnswered(pollings)
  try {
    const world = await readWorld(ports)
    await Promise.all(
      looks.map(({ analysis, polling }) =>
        polling
          .then((polled) => acts(() => follow(ports, world, memory.hub, analysis, polled)))
          .catch((error: unknown) => failed(error, analysis.id)),
      ),
    )
    return world
  } finally {
    await Promise.allSettled(pollings)
  }
}

/** What of the analyses a sweep sees to. */
interface Scope {
  /** False: others do, they get an event for each. */
  readonly analyses: boolean
  /** Objects that nobody owns. */
  readonly zombies: boolean
}

const EVERYTHING: Scope = { analyses: true, zombies: true }

/** Claims and works on what is due, then removes what nobody owns. */
async function sweepAnalyses(ports: SweepPorts, memory: Memory, scope: Scope, failed: Failed): Promise<number> {
  const { store, now, settings } = ports
  if (!scope.analyses && !scope.zombies) return 0
  const due = scope.analyses ? await store.claimDue(now(), CLAIM_LEASE_MS, CLAIM_LIMIT) : []
  try {
    const { inventory } = await lookAtAll(ports, memory, due, failed)
    if (scope.zombies) await removeZombies(ports, inventory, settings.zombieGraceSeconds * 1000)
  } finally {
    await store.unclaim(due.map(({ key }) => key))
  }
  return due.length
}

async function sweepSuspects(ports: SweepPorts, memory: Memory, failed: Failed): Promise<number> {
  const { store, now } = ports
  const deadline = now().getTime() + SUSPECTS_MS
  let count = 0
  while (now().getTime() < deadline) {
    const group = await store.claimSuspects(now(), CLAIM_LEASE_MS, SUSPECTS)
    if (group.length === 0) break
    try {
      await lookAtAll(ports, memory, group, failed)
    } finally {
      await store.unclaim(group.map(({ key }) => key))
    }
    count += group.length
  }
  return count
}

async function sweepRemovals(ports: SweepPorts, failed: Failed): Promise<number> {
  const removals = await ports.store.claimRemovals(ports.now(), REMOVAL_LEASE_MS, REMOVAL_LIMIT)
  await mapConcurrent(removals, REMOVALS, (removal) =>
    release(ports, removal).catch((error: unknown) => failed(error, removal.id)),
  )
  return removals.length
}

/** One at a time: of those that follow, none has been begun when one ends the process. */
async function sweepSuspectRemovals(ports: SweepPorts, failed: Failed): Promise<number> {
  const { store, now } = ports
  const deadline = now().getTime() + SUSPECTS_MS
  let count = 0
  while (now().getTime() < deadline) {
    const removal = await store.claimSuspectRemoval(now(), REMOVAL_LEASE_MS)
    if (!removal) break
    await release(ports, removal).catch((error: unknown) => failed(error, removal.id))
    count += 1
  }
  return count
}

/** One round of telling Hub and sink what waits for them. */
async function tellAll(ports: SweepPorts): Promise<{ hub: Drained; sink: Drained }> {
  const deadline = new Date(ports.now().getTime() + DELIVERY_MS)
  const [hub, sink] = await allSettledOrThrow(deliver(ports, deadline), publishChanges(ports, deadline))
  return { hub, sink }
}

/** Keeps what grows within its bounds. */
async function tidyUp({ store, settings, log }: SweepPorts): Promise<void> {
  const leftOut = await store.capReports(settings.hubBacklogLines)
  if (leftOut > 0) log('warn', 'log lines left out', { lines: leftOut })
  const { maxAgeDays, maxMiB } = settings.archive
  if (maxAgeDays > 0 || maxMiB > 0) await store.pruneArchive(settings.archive)
  if (await store.unpackArchive()) log('action', 'archive entry unpacked')
}

/**
 * Sweeps.
 * @throws Fault when a part of it could not run; what could has run all the same
 */
export async function sweep(
  ports: SweepPorts,
  memory: Memory = createMemory(),
  scope: Scope = EVERYTHING,
): Promise<SweepReport> {
  let failures = 0
  const failed: Failed = (error, id) => {
    failures += 1
    ports.log(isFault(error) ? 'warn' : 'error', 'step of the sweep failed', { analysis: id, error })
  }
  const [swept, removals, before] = await allSettledOrThrow(
    sweepAnalyses(ports, memory, scope, failed),
    sweepRemovals(ports, failed),
    tellAll(ports),
    tidyUp(ports),
  )
  // After all others, and after each other.
  const suspects = scope.analyses ? await sweepSuspects(ports, memory, failed) : 0
  const suspectRemovals = await sweepSuspectRemovals(ports, failed)
  // What this sweep found out is told by it, too, unless one of them is away.
  const isAway = before.hub.putOff > 0 || before.sink.putOff > 0
  const after = isAway ? undefined : await tellAll(ports)
  const delivered = before.hub.settled + (after?.hub.settled ?? 0)
  const told = before.sink.settled + (after?.sink.settled ?? 0)
  return { analyses: swept + suspects, removals: removals + suspectRemovals, delivered, told, failed: failures }
}
