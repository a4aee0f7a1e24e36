/**
 * What a process remembers between two events: the last world that it read, and that the Hub is down. It is a cache and not
 * state: a process that has just started works without it.
 */
import type { PoPorts } from '../ports.ts'
import type { HubOutage } from './partners.ts'
import { readWorld, type World } from './world.ts'

export interface LoopCache {
  readonly hubOutage: HubOutage
  world: World | undefined
  reading: Promise<World> | undefined
}

export const createLoopCache = (): LoopCache => ({
  hubOutage: { until: undefined },
  world: undefined,
  reading: undefined,
})

type WorldPorts = Pick<PoPorts, 'cluster' | 'now' | 'settings'>

/** Concurrent callers share one reading. */
function readShared(ports: WorldPorts, cache: LoopCache): Promise<World> {
  cache.reading ??= readWorld(ports)
    .then((world) => {
      cache.world = world
      return world
    })
    .finally(() => {
      cache.reading = undefined
    })
  return cache.reading
}

/**
 * A world that is at most one interval old: good enough to see that an analysis needs nothing. A thousand hints can arrive
 * within a second and share it. From half an interval on, the next one is read while callers continue with this one.
 */
export async function recentWorld(ports: WorldPorts, cache: LoopCache): Promise<World> {
  const { world } = cache
  const ageMs = world ? ports.now().getTime() - world.readAt.getTime() : Number.POSITIVE_INFINITY
  const intervalMs = ports.settings.intervalSeconds * 1000
  if (!world || ageMs > intervalMs) return readShared(ports, cache)
  // A caller that needs the present world reads it itself and gets the error.
  if (ageMs > intervalMs / 2) readShared(ports, cache).catch(() => {})
  return world
}
