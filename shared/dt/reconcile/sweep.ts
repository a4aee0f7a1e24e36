/**
 * One sweep of the loop: which services are reconciled, in which order and how many at a time. `reconcile.ts` says how.
 *
 * - At the same time: pair rows with resources and reconcile each pair, remove expired services, publish changes, collect
 *   garbage among the stored bytes.
 * - Then the suspects, whose last reconciliation failed or killed its process; at last the Jobs that wait for their turn.
 * - Then changes are published again, with those of this sweep.
 *
 * What fails or is slow affects only itself. A second sweep over the same state changes nothing. All ended services together
 * cost one list of metadata.
 */
import { allSettledOrThrow, mapConcurrent, withLimit } from '../../platform/concurrency.ts'
import { isFault } from '../../platform/fault.ts'
import { admit } from '../lifecycle.ts'
import type { Service, ServiceId } from '../model.ts'
import { isSettled } from '../names.ts'
import type { Resource } from '../ports/cluster.ts'
import type { DtPorts } from '../ports.ts'
import { type DtPublishingPorts, publishChanges } from '../publish.ts'
import { remove } from '../terminate.ts'
import { ensurePolicies, type PolicyCache } from './make.ts'
import { CLAIM_LEASE_MS, claimAndReconcile, isOutage, reconcile, type ServicePorts } from './reconcile.ts'
import { handleMissingResource, hasIdAsName, type Pair, reconcileResource } from './resources.ts'
import { readWorld } from './world.ts'

export type DtSweepPorts = ServicePorts & DtPublishingPorts & Pick<DtPorts, 'collectGarbage'>

export interface DtSweepReport {
  readonly services: number
  /** Changes that the event sink got or refused. */
  readonly published: number
  readonly removed: number
  readonly failed: number
}

const CONCURRENCY = 32
const PUBLISHING_MS = 5000
const EXPIRED_LIMIT = 100
/** Mismarked resources that one sweep reads, each by name. */
const MISMARKED_LIMIT = 100
/** Time for the suspects. */
const SUSPECTS_MS = 20_000

type OnFailure = (error: unknown, id: string) => void

/**
 * Sweeps.
 * @throws Fault when a part of the sweep could not run; the other parts have run
 */
export async function sweep(ports: DtSweepPorts, cache: PolicyCache): Promise<DtSweepReport> {
  let failures = 0
  const onFailure: OnFailure = (error, id) => {
    failures += 1
    ports.log(isFault(error) ? 'warn' : 'error', 'step of the sweep failed', { service: id, error })
  }
  const deadline = () => new Date(ports.now().getTime() + PUBLISHING_MS)
  const [services, removed, before] = await allSettledOrThrow(
    ensurePolicies(ports, cache).then(() => reconcileAll(ports, onFailure)),
    removeExpired(ports, onFailure),
    publishChanges(ports, deadline()),
    ports.collectGarbage(),
  )
  const isDown = before.putOff > 0
  const after = isDown ? undefined : await publishChanges(ports, deadline())
  return { services, removed, published: before.settled + (after?.settled ?? 0), failed: failures }
}

async function reconcileAll(ports: DtSweepPorts, onFailure: OnFailure): Promise<number> {
  const { pairs, suspects } = await reconcileHealthy(ports, onFailure)
  await reconcileSuspects(ports, suspects, onFailure)
  await resumeJobs(ports, [...pairs.map(({ service }) => service), ...suspects])
  return pairs.length + suspects.length
}

/** Reconciles, concurrently, the services whose last reconciliation ended well. */
async function reconcileHealthy(ports: DtSweepPorts, onFailure: OnFailure): Promise<Claimed> {
  const claims = new Set<ServiceId>()
  const broken = new Set<ServiceId>()
  const onFailureOf: OnFailure = (error, id) => {
    if (!isOutage(error)) broken.add(id as ServiceId)
    onFailure(error, id)
  }
  try {
    const claimed = await claimAndPair(ports, onFailureOf, claims)
    const services = claimed.pairs.map(({ service }) => service)
    const viewOf = await readWorld(ports, services)
    await each(
      claimed.pairs,
      onFailureOf,
      ({ service }) => service.id,
      ({ service, resource }) => reconcile(ports, service, resource, viewOf(service)),
    )
    return claimed
  } finally {
    const { unharmed = [], harmed = [] } = Object.groupBy(claims, (id) => (broken.has(id) ? 'harmed' : 'unharmed'))
    await ports.store.releaseClaims(unharmed)
    await ports.store.releaseFailedClaims(harmed)
  }
}

/**
 * A reconciliation that kills its process makes suspects of all services that were claimed with it. So suspects come last, one
 * at a time, those with the fewest attempts first: the others are cleared, and the culprit comes after them, ever less often.
 */
async function reconcileSuspects(
  ports: DtSweepPorts,
  suspects: readonly Service[],
  onFailure: OnFailure,
): Promise<void> {
  const end = ports.now().getTime() + SUSPECTS_MS
  for (const { id } of suspects) {
    if (ports.now().getTime() > end) return
    await claimAndReconcile(ports, id).catch((error) => onFailure(error, id))
  }
}

/** Resumes suspended Jobs while `maxRuns` has room. Jobs are read again, since this sweep has made and ended some. */
async function resumeJobs({ cluster, settings, log }: DtSweepPorts, services: readonly Service[]): Promise<void> {
  const { maxRuns } = settings
  const ids = services.filter(({ spec }) => spec.jobType !== 'persistent').map(({ id }) => id)
  if (maxRuns === 0 || ids.length === 0) return
  for (const { name } of admit(await cluster.jobs(ids), maxRuns)) {
    await cluster.resume(name)
    log('action', 'Job resumed', { job: name })
  }
}

// ---------------------------------------------------------------------------------------- rows and resources

interface Claimed {
  readonly pairs: readonly Pair[]
  /** Rows with unfinished attempts, not claimed yet; those with the fewest attempts first. */
  readonly suspects: readonly Service[]
}

/**
 * Claims rows that are not ended, and pairs them with their resources. New resources get a row.
 * @param claims receives the id of each claim at once, so that the caller can release the claims after a failure, too
 */
async function claimAndPair(ports: DtSweepPorts, onFailure: OnFailure, claims: Set<ServiceId>): Promise<Claimed> {
  const { store, cluster, now } = ports
  const claim = async (ids: readonly ServiceId[]): Promise<Service[]> => {
    const claimed = await store.claim(ids, now(), CLAIM_LEASE_MS)
    for (const { id } of claimed) claims.add(id)
    return claimed
  }
  const rows = await store.unfinished(now())
  const suspects = rows.filter(({ attempts }) => attempts > 0).toSorted((one, other) => one.attempts - other.attempts)
  const claimed = await claim(rows.filter(({ attempts }) => attempts === 0).map(({ id }) => id))
  // These are handled whether their resource exists or not: `handleMissingResource` reads it by name.
  const unsettled = claimed.filter(({ phase }) => phase === 'launching' || phase === 'removing')
  const apart = new Set([...suspects, ...unsettled].map(({ id }) => id as string))
  const unmarked = await cluster.resources()
  const seen = new Set([...apart, ...unmarked.map(({ name }) => name)])
  const mismarked = (await readMismarked(ports)).filter(({ name }) => !seen.has(name))
  const resources = [...unmarked.filter(({ name }) => !apart.has(name)), ...mismarked]
  const claimedById = new Map(claimed.map((service) => [service.id as string, service]))
  const others = resources.filter(({ name }) => !claimedById.has(name))
  const known = await store.findMany(others.filter(hasIdAsName).map(({ name }) => name as ServiceId))
  const knownById = new Map(known.map((service) => [service.id as string, service]))
  const listed = new Set(resources.map(({ name }) => name))

  const present = await each(
    resources,
    onFailure,
    ({ name }) => name,
    async (resource): Promise<Pair[]> => {
      const { name } = resource
      const service = await reconcileResource(ports, resource, claimedById.get(name) ?? knownById.get(name))
      if (!service) return []
      if (claimedById.has(service.id)) return [{ service, resource }]
      // New, or claimed by another process.
      return (await claim([service.id])).map((own) => ({ service: own, resource }))
    },
  )
  const missing = await each(
    claimed.filter(({ id }) => !listed.has(id)),
    onFailure,
    ({ id }) => id,
    (service) => handleMissingResource(ports, service),
  )
  return { pairs: [...present.flat(), ...missing.filter((pair) => pair !== undefined)], suspects }
}

/**
 * Resources whose mark as finished does not hold: copies and backups of finished ones, rejected ones that were corrected, and
 * those that a former version marked. Reads a limited number of them, beginning at random, so that each gets its turn.
 */
async function readMismarked({ cluster, random }: DtSweepPorts): Promise<Resource[]> {
  const found = (await cluster.marked()).filter((marked) => !isSettled(marked))
  const from = found.length > MISMARKED_LIMIT ? Math.floor(random() * found.length) : 0
  const some = [...found.slice(from), ...found.slice(0, from)].slice(0, MISMARKED_LIMIT)
  const limited = withLimit(CONCURRENCY)
  const read = await allSettledOrThrow(...some.map(({ name }) => limited(() => cluster.resource(name))))
  return read.filter((resource) => resource !== undefined)
}

/** Removes ended services after their retention, as if a caller had terminated them. */
async function removeExpired(ports: DtSweepPorts, onFailure: OnFailure): Promise<number> {
  const { store, now, settings } = ports
  const ids = await store.expired(now(), settings.retentionDays, EXPIRED_LIMIT)
  const removed = await each(
    ids,
    onFailure,
    (id) => id,
    (id) => remove(ports, id, 'its retention is over'),
  )
  return removed.filter(Boolean).length
}

/** Runs `act` on each item. Passes failures to `onFailure` and resolves to the other results. */
async function each<T, R>(
  items: readonly T[],
  onFailure: OnFailure,
  idOf: (item: T) => string,
  act: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = await mapConcurrent(items, CONCURRENCY, act)
  return results.flatMap((result, at) => {
    if (result.status === 'fulfilled') return [result.value]
    const item = items[at]
    if (item !== undefined) onFailure(result.reason, idOf(item))
    return []
  })
}
