/**
 * One sweep: rows that are not ended and resources that are not finished are brought together, Kubernetes is read once, and
 * each service is looked at; at the same time changes are told. What fails or is slow concerns itself alone. Running it twice
 * changes nothing. Services that have ended cost nothing, however many there are.
 */
import { isFault } from '../../fault.ts'
import { sideBySide, together } from '../../work/side-by-side.ts'
import type { Service, ServiceId } from '../model.ts'
import type { Ports, Resource } from '../ports.ts'
import { type TellingPorts, tellChanges } from '../tell.ts'
import { remove } from '../terminate.ts'
import { type GatherPorts, meet, miss, nameIsId } from './gather.ts'
import { look } from './one.ts'
import { letGoOn } from './queue.ts'
import { type Memory, standGuard } from './standing.ts'
import { readWorld } from './world.ts'

export type SweepPorts = GatherPorts & TellingPorts & Pick<Ports, 'tidy'>

export interface SweepReport {
  readonly services: number
  readonly told: number
  readonly removed: number
  readonly failed: number
}

const CLAIM_LEASE_MS = 60_000
const ACTS = 32
const TELLING_MS = 5000
const EXPIRED_LIMIT = 100

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
  const results = await sideBySide(items, ACTS, act)
  return results.flatMap((result, at) => {
    if (result.status === 'fulfilled') return [result.value]
    const item = items[at]
    if (item !== undefined) failed(result.reason, idOf(item))
    return []
  })
}

/**
 * Rows that nobody else works on, and the resources they belong to; new resources get theirs.
 * @param claims gets the id of each that is claimed, when it is: whatever fails then, they can be given back
 */
async function gather(ports: SweepPorts, failed: Failed, claims: Set<ServiceId>): Promise<Pair[]> {
  const { store, cluster, now } = ports
  const claim = async (ids: readonly ServiceId[]): Promise<Service[]> => {
    const claimed = await store.claim(ids, now(), CLAIM_LEASE_MS)
    for (const { id } of claimed) claims.add(id)
    return claimed
  }
  const rows = await store.unfinished(now())
  const claimed = await claim(rows.map(({ id }) => id))
  const resources = await cluster.resources()
  const mine = new Map(claimed.map((service) => [service.id as string, service]))
  const others = resources.filter(({ name }) => !mine.has(name))
  const known = await store.findMany(others.filter(nameIsId).map(({ name }) => name as ServiceId))
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
  return [...met.flat(), ...missed.filter((pair) => pair !== undefined)]
}

async function lookAtAll(ports: SweepPorts, failed: Failed): Promise<number> {
  const claims = new Set<ServiceId>()
  try {
    const pairs = await gather(ports, failed, claims)
    const world = await readWorld(
      ports,
      pairs.map(({ service }) => service),
    )
    await each(
      pairs,
      failed,
      ({ service }) => service.id,
      ({ service, resource }) => look(ports, service, resource, world.of(service)),
    )
    await letGoOn(
      ports,
      pairs.map(({ service }) => service),
    )
    return pairs.length
  } finally {
    await ports.store.unclaim([...claims])
  }
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
  const [services, removed, before] = await together(
    standGuard(ports, memory).then(() => lookAtAll(ports, failed)),
    removeExpired(ports, failed),
    tellChanges(ports, deadline()),
    ports.tidy(),
  )
  // What this sweep found out is told by it, too, unless nobody listens.
  const after = before.putOff > 0 ? undefined : await tellChanges(ports, deadline())
  return { services, removed, told: before.settled + (after?.settled ?? 0), failed: failures }
}
