/**
 * One sweep: rows that are not ended and resources that are not finished are brought together, Kubernetes is read once, and
 * each service is looked at; at the same time changes are told. What fails or is slow concerns itself alone. Running it twice
 * changes nothing. Services that have ended cost one list of their metadata, however many there are.
 */

import { allSettledOrThrow, mapConcurrent } from '../../platform/concurrency.ts'
import { isFault } from '../../platform/fault.ts'
import type { Service, ServiceId } from '../model.ts'
import { isSettled } from '../names.ts'
import type { Resource } from '../ports/cluster.ts'
import type { Ports } from '../ports.ts'
import { type PublishingPorts, publishChanges } from '../publish.ts'
import { remove } from '../terminate.ts'
import { CLAIM_LEASE_MS, isOutage, lookAlone } from './claimed.ts'
import { type GatherPorts, meet, miss, nameIsId } from './gather.ts'
import { look } from './one.ts'
import { letGoOn } from './queue.ts'
import { type Memory, standGuard } from './standing.ts'
import { readWorld } from './world.ts'

export type SweepPorts = GatherPorts & PublishingPorts & Pick<Ports, 'tidy'>

export interface SweepReport {
  readonly services: number
  readonly told: number
  readonly removed: number
  readonly failed: number
}

const ACTS = 32
const TELLING_MS = 5000
const EXPIRED_LIMIT = 100
/** Read one by one in a sweep. */
const MISMARKED_LIMIT = 100
/** Time for services whose last look failed. */
const SUSPECTS_MS = 20_000

type Failed = (error: unknown, id: string) => void

interface Pair {
  readonly service: Service
  readonly resource: Resource
}

/** Does `act` for each; a failure is told, and leaves the others alone. */
async function each<T, R>(
  items: readonly T[],
  failed: Failed,
  idOf: (item: T) => string,
  act: (item: T) => Promise<R>,
) {
  const results = await mapConcurrent(items, ACTS, act)
  return results.flatMap((result, at) => {
    if (result.status === 'fulfilled') return [result.value]
    const item = items[at]
    if (item !== undefined) failed(result.reason, idOf(item))
    return []
  })
}

interface Gathered {
  readonly pairs: readonly Pair[]
  /** Their last look failed, or ended its process; those whose attempts are fewest come first. */
  readonly suspects: readonly Service[]
}

/**
 * Resources whose label of the finished does not hold: copies and backups of finished ones, refused ones that were corrected, and
 * those that a version before ours labelled. So many at a time, whichever they are, so that none holds up the others for good.
 */
async function mismarked({ cluster, random }: SweepPorts): Promise<Resource[]> {
  const found = (await cluster.marked()).filter((marked) => !isSettled(marked))
  const from = found.length > MISMARKED_LIMIT ? Math.floor(random() * found.length) : 0
  const some = [...found.slice(from), ...found.slice(0, from)].slice(0, MISMARKED_LIMIT)
  const read = await mapConcurrent(some, ACTS, ({ name }) => cluster.resource(name))
  return read.flatMap((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value ? [result.value] : []
  })
}

/**
 * Rows that nobody else works on, and the resources they belong to; new resources get theirs.
 * @param claims gets the id of each that is claimed, when it is: whatever fails then, they can be given back
 */
async function gather(ports: SweepPorts, failed: Failed, claims: Set<ServiceId>): Promise<Gathered> {
  const { store, cluster, now } = ports
  const claim = async (ids: readonly ServiceId[]): Promise<Service[]> => {
    const claimed = await store.claim(ids, now(), CLAIM_LEASE_MS)
    for (const { id } of claimed) claims.add(id)
    return claimed
  }
  const rows = await store.unfinished(now())
  const suspects = rows.filter(({ attempts }) => attempts > 0).toSorted((one, other) => one.attempts - other.attempts)
  const claimed = await claim(rows.filter(({ attempts }) => attempts === 0).map(({ id }) => id))
  // Of these there is something to be done whether their resource is there or not: `miss` asks for it by name.
  const unsettled = claimed.filter(({ phase }) => phase === 'launching' || phase === 'removing')
  const apart = new Set([...suspects, ...unsettled].map(({ id }) => id as string))
  const unmarked = await cluster.resources()
  const seen = new Set([...apart, ...unmarked.map(({ name }) => name)])
  const others = (await mismarked(ports)).filter(({ name }) => !seen.has(name))
  const resources = [...unmarked.filter(({ name }) => !apart.has(name)), ...others]
  const mine = new Map(claimed.map((service) => [service.id as string, service]))
  const strangers = resources.filter(({ name }) => !mine.has(name))
  const known = await store.findMany(strangers.filter(nameIsId).map(({ name }) => name as ServiceId))
  const knownById = new Map(known.map((service) => [service.id as string, service]))
  const listed = new Set(resources.map(({ name }) => name))

  const met = await each(
    resources,
    failed,
    ({ name }) => name,
    async (resource): Promise<Pair[]> => {
      const service = await meet(ports, resource, mine.get(resource.name) ?? knownById.get(resource.name))
      if (!service) return []
      if (mine.has(service.id)) return [{ service, resource }]
      // Live, and not ours: new, or somebody else looks at it.
      return (await claim([service.id])).map((own) => ({ service: own, resource }))
    },
  )
  const missed = await each(
    claimed.filter(({ id }) => !listed.has(id)),
    failed,
    ({ id }) => id,
    (service) => miss(ports, service),
  )
  return { pairs: [...met.flat(), ...missed.filter((pair) => pair !== undefined)], suspects }
}

/** Those whose last look did not fail, all at the same time. */
async function lookAtHealthy(ports: SweepPorts, failed: Failed): Promise<Gathered> {
  const claims = new Set<ServiceId>()
  const broken = new Set<ServiceId>()
  const failedOne: Failed = (error, id) => {
    if (!isOutage(error)) broken.add(id as ServiceId)
    failed(error, id)
  }
  try {
    const gathered = await gather(ports, failedOne, claims)
    const { pairs } = gathered
    const world = await readWorld(
      ports,
      pairs.map(({ service }) => service),
    )
    await each(
      pairs,
      failedOne,
      ({ service }) => service.id,
      ({ service, resource }) => look(ports, service, resource, world.of(service)),
    )
    return gathered
  } finally {
    const [unharmed, harmed] = [[...claims].filter((id) => !broken.has(id)), [...claims].filter((id) => broken.has(id))]
    await ports.store.unclaim(unharmed)
    await ports.store.unclaimFailed(harmed)
  }
}

/**
 * A look that ends the process takes all that are looked at with it, and leaves all of them suspect. So suspects come last, one
 * after the other: each but the one at fault is cleared, and that one comes after all others, more and more seldom.
 */
async function lookAtSuspects(ports: SweepPorts, suspects: readonly Service[], failed: Failed): Promise<void> {
  const end = ports.now().getTime() + SUSPECTS_MS
  for (const { id } of suspects) {
    if (ports.now().getTime() > end) return
    await lookAlone(ports, id).catch((error) => failed(error, id))
  }
}

async function lookAtAll(ports: SweepPorts, failed: Failed): Promise<number> {
  const { pairs, suspects } = await lookAtHealthy(ports, failed)
  await lookAtSuspects(ports, suspects, failed)
  await letGoOn(ports, [...pairs.map(({ service }) => service), ...suspects])
  return pairs.length + suspects.length
}

/** Ended services whose time is over go as if somebody had terminated them. */
async function removeExpired(ports: SweepPorts, failed: Failed): Promise<number> {
  const { store, now, settings } = ports
  const ids = await store.expired(now(), settings.retentionDays, EXPIRED_LIMIT)
  const removed = await each(
    ids,
    failed,
    (id) => id,
    (id) => remove(ports, id, 'its retention is over'),
  )
  return removed.filter(Boolean).length
}

/**
 * Sweeps.
 * @throws Fault when a part of it could not run; what could has run all the same
 */
export async function sweep(ports: SweepPorts, memory: Memory): Promise<SweepReport> {
  let failures = 0
  const failed: Failed = (error, id) => {
    failures += 1
    ports.log(isFault(error) ? 'warn' : 'error', 'step of the sweep failed', { service: id, error })
  }
  const deadline = () => new Date(ports.now().getTime() + TELLING_MS)
  const [services, removed, before] = await allSettledOrThrow(
    standGuard(ports, memory).then(() => lookAtAll(ports, failed)),
    removeExpired(ports, failed),
    publishChanges(ports, deadline()),
    ports.tidy(),
  )
  // What this sweep found out is told by it, too, unless nobody listens.
  const after = before.putOff > 0 ? undefined : await publishChanges(ports, deadline())
  return { services, removed, told: before.settled + (after?.settled ?? 0), failed: failures }
}
