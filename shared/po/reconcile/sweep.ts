/**
 * One sweep of the status loop: who is reconciled, in which order and how many at a time. `reconcile.ts` says how.
 *
 * - At the same time: reconcile the due analyses, continue removals, deliver the outboxes, enforce limits.
 * - Then the suspects among the analyses and the removals, whose last attempt did not end.
 * - At last the outboxes again, with what this sweep added.
 *
 * What fails or is slow affects only itself. A second sweep over the same state changes nothing.
 */
import { allSettledOrThrow, mapConcurrent, withLimit } from '../../platform/concurrency.ts'
import type { Drained } from '../../platform/drain.ts'
import { isFault } from '../../platform/fault.ts'
import type { Analysis, Removal } from '../model.ts'
import { type PoPublishingPorts, publishChanges } from '../publish.ts'
import { REMOVAL_LEASE_MS, release } from '../release.ts'
import { deliver } from '../report.ts'
import { removeZombies } from '../zombies.ts'
import { createLoopCache, type LoopCache } from './loop-cache.ts'
import { probeIsolation } from './probe.ts'
import { applyVerdict, CLAIM_LEASE_MS, type Poll, poll, type ReconcilePorts } from './reconcile.ts'
import { readWorld, type World } from './world.ts'

export type SweepPorts = ReconcilePorts & PoPublishingPorts

export interface SweepReport {
  readonly analyses: number
  readonly removals: number
  /** Reports that the Hub got or refused. */
  readonly delivered: number
  /** Changes that the event sink got or refused. */
  readonly published: number
  readonly failed: number
}

interface Scope {
  /** Reconcile those that are due. False if each of them gets an event instead. */
  readonly analyses: boolean
  readonly zombies: boolean
}

const EVERYTHING: Scope = { analyses: true, zombies: true }

const CLAIM_LIMIT = 10_000
const REMOVAL_LIMIT = 1000
/** Polls may wait for analyses that hang, while acts use Kubernetes, the database, Keycloak and the Hub: separate limits. */
const POLLS = 384
const ACTS = 64
const REMOVALS = 16
/**
 * Claims per group of suspects, by unfinished attempts. If a reconciliation kills its process, all analyses that were claimed
 * with it become suspects. The groups shrink with each death until the culprit is alone; only its lease keeps growing.
 */
const SUSPECTS = [64, 8, 1] as const
/** Time after which a sweep begins no further group of suspects, and no further suspect removal. */
const SUSPECTS_MS = 30_000
const DELIVERY_MS = 5000

type OnFailure = (error: unknown, id: string) => void

/**
 * Sweeps.
 * @throws Fault when a part of the sweep could not run; the other parts have run
 */
export async function sweep(
  ports: SweepPorts,
  cache: LoopCache = createLoopCache(),
  scope: Scope = EVERYTHING,
): Promise<SweepReport> {
  let failures = 0
  const onFailure: OnFailure = (error, id) => {
    failures += 1
    ports.log(isFault(error) ? 'warn' : 'error', 'step of the sweep failed', { analysis: id, error })
  }
  const [swept, removals, before] = await allSettledOrThrow(
    sweepAnalyses(ports, cache, scope, onFailure),
    sweepRemovals(ports, onFailure),
    deliverAll(ports),
    enforceLimits(ports),
    probeIsolation(ports),
  )
  const suspects = scope.analyses ? await sweepSuspects(ports, cache, onFailure) : 0
  const suspectRemovals = await sweepSuspectRemovals(ports, onFailure)
  const isDown = before.hub.putOff > 0 || before.sink.putOff > 0
  const after = isDown ? undefined : await deliverAll(ports)
  return {
    analyses: swept + suspects,
    removals: removals + suspectRemovals,
    delivered: before.hub.settled + (after?.hub.settled ?? 0),
    published: before.sink.settled + (after?.sink.settled ?? 0),
    failed: failures,
  }
}

// -------------------------------------------------------------------------------------------------- analyses

/** Claims and reconciles what is due, then removes what no row accounts for. */
async function sweepAnalyses(ports: SweepPorts, cache: LoopCache, scope: Scope, onFailure: OnFailure): Promise<number> {
  const { store, now, settings } = ports
  if (!scope.analyses && !scope.zombies) return 0
  const due = scope.analyses ? await store.claimDue(now(), CLAIM_LEASE_MS, CLAIM_LIMIT) : []
  const { inventory } = await reconcileAll(ports, cache, due, onFailure)
  if (scope.zombies) await removeZombies(ports, inventory, settings.zombieGraceSeconds * 1000)
  return due.length
}

/** Claims one group of suspects after the other and works on it, until none is left or the time is up. */
async function eachSuspects<T>(
  { now }: SweepPorts,
  claim: () => Promise<readonly T[]>,
  act: (group: readonly T[]) => Promise<unknown>,
): Promise<number> {
  const deadline = now().getTime() + SUSPECTS_MS
  let count = 0
  while (now().getTime() < deadline) {
    const group = await claim()
    if (group.length === 0) break
    await act(group)
    count += group.length
  }
  return count
}

const sweepSuspects = (ports: SweepPorts, cache: LoopCache, onFailure: OnFailure): Promise<number> =>
  eachSuspects(
    ports,
    () => ports.store.claimSuspects(ports.now(), CLAIM_LEASE_MS, SUSPECTS),
    (group) => reconcileAll(ports, cache, group, onFailure),
  )

/**
 * Polls the claimed analyses, then reads Kubernetes, applies each verdict as soon as its poll has ended, and releases the claims.
 * @throws Fault when Kubernetes cannot be read: without a world there is no verdict
 */
async function reconcileAll(
  ports: SweepPorts,
  cache: LoopCache,
  analyses: readonly Analysis[],
  onFailure: OnFailure,
): Promise<World> {
  const [polls, acts] = [withLimit(POLLS), withLimit(ACTS)]
  const polled = analyses.map((analysis) => ({ analysis, polling: polls(() => poll(ports, analysis)) }))
  const pollings = polled.map(({ polling }) => polling)
  await mostAnswered(pollings)
  try {
    const world = await readWorld(ports)
    await Promise.all(
      polled.map(({ analysis, polling }) =>
        polling
          .then((found) => acts(() => applyVerdict(ports, world, cache.hubOutage, analysis, found)))
          .catch((error: unknown) => onFailure(error, analysis.id)),
      ),
    )
    return world
  } finally {
    await Promise.allSettled(pollings)
    await ports.store.releaseClaims(analyses.map(({ key }) => key))
  }
}

/** Share of answers after which Kubernetes is read. Parsing its lists blocks the event loop and so delays open polls. */
const MOST = 0.75

/** Resolves when most polls have ended, or one without an answer: a hanging analysis delays a sweep by one timeout at most. */
function mostAnswered(polls: readonly Promise<Poll | undefined>[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let open = Math.ceil(polls.length * MOST)
  if (open === 0) resolve()
  for (const polling of polls)
    void polling.then((polled) => {
      open -= 1
      if (open <= 0 || (polled && !polled.health)) resolve()
    }, resolve)
  return promise
}

// -------------------------------------------------------------------------------------------------- removals

async function sweepRemovals(ports: SweepPorts, onFailure: OnFailure): Promise<number> {
  const removals = await ports.store.claimRemovals(ports.now(), REMOVAL_LEASE_MS, REMOVAL_LIMIT)
  await releaseAll(ports, removals, onFailure)
  return removals.length
}

const releaseAll = (ports: SweepPorts, removals: readonly Removal[], onFailure: OnFailure) =>
  mapConcurrent(removals, REMOVALS, (removal) =>
    release(ports, removal).catch((error: unknown) => onFailure(error, removal.id)),
  )

/** One at a time: a removal that kills the process leaves no other one unfinished. */
const sweepSuspectRemovals = (ports: SweepPorts, onFailure: OnFailure): Promise<number> =>
  eachSuspects(
    ports,
    async () =>
      [await ports.store.claimSuspectRemoval(ports.now(), REMOVAL_LEASE_MS)].filter((one) => one !== undefined),
    (removals) => releaseAll(ports, removals, onFailure),
  )

// ------------------------------------------------------------------------------------------ outboxes, limits

async function deliverAll(ports: SweepPorts): Promise<{ hub: Drained; sink: Drained }> {
  const deadline = new Date(ports.now().getTime() + DELIVERY_MS)
  const [hub, sink] = await allSettledOrThrow(deliver(ports, deadline), publishChanges(ports, deadline))
  return { hub, sink }
}

/** Bounds what grows: waiting log lines and the archive. Also takes apart one archive entry in the former format. */
async function enforceLimits({ store, settings, log }: SweepPorts): Promise<void> {
  const leftOut = await store.capReports(settings.hubBacklogLines)
  if (leftOut > 0) log('warn', 'log lines left out', { lines: leftOut })
  const { maxAgeDays, maxMiB } = settings.archive
  if (maxAgeDays > 0 || maxMiB > 0) await store.pruneArchive(settings.archive)
  if (await store.unpackArchive()) log('action', 'archive entry unpacked')
}
