/**
 * What a process remembers from one event to the next: how Kubernetes looked a moment ago, and that the Hub is away.
 * Nothing of it is state; a process that has just begun knows none of it.
 */
import type { Ports } from '../ports.ts'
import type { HubMemory } from './partners.ts'
import { readWorld, type World } from './world.ts'

export interface Memory {
  readonly hub: HubMemory
  world: World | undefined
  /** A reading that is under way. */
  reading: Promise<World> | undefined
}

export const createMemory = (): Memory => ({ hub: { awayUntil: undefined }, world: undefined, reading: undefined })

type WorldPorts = Pick<Ports, 'cluster' | 'now' | 'settings'>

/** Reads the world for everybody who asks meanwhile. */
function readShared(ports: WorldPorts, memory: Memory): Promise<World> {
  memory.reading ??= readWorld(ports)
    .then((world) => {
      memory.world = world
      return world
    })
    .finally(() => {
      memory.reading = undefined
    })
  return memory.reading
}

/**
 * How everything looked within the last interval: good enough to see that all is well with an analysis. A thousand events
 * come within a second and share it; when it is half an interval old, the next one is read while they go on with this.
 */
export async function recentWorld(ports: WorldPorts, memory: Memory): Promise<World> {
  const { world } = memory
  const age = world ? ports.now().getTime() - world.readAt.getTime() : Number.POSITIVE_INFINITY
  const interval = ports.settings.intervalSeconds * 1000
  if (!world || age > interval) return readShared(ports, memory)
  // Whoever needs what cannot be read now will read it, and hear why it fails.
  if (age > interval / 2) readShared(ports, memory).catch(() => {})
  return world
}
