/**
 * What a process remembers from one event to the next: how Kubernetes looked a moment ago, and that the Hub is away.
 * Nothing of it is state; a process that has just begun knows none of it.
 */
import type { Analysis } from '../model.ts'
import type { Ports } from '../ports.ts'
import type { HubMemory } from './partners.ts'
import { readWorld, type World } from './world.ts'

export interface Memory {
  readonly hub: HubMemory
  world: Promise<World> | undefined
}

export const createMemory = (): Memory => ({ hub: { awayUntil: undefined }, world: undefined })

/**
 * The world as an event about one analysis needs it. A thousand events come within a second: they share one reading of
 * everything, half an interval old at most; an analysis that moved after it was read is read by itself.
 */
export async function worldFor(
  ports: Pick<Ports, 'cluster' | 'now' | 'settings'>,
  memory: Memory,
  analysis: Analysis,
): Promise<World> {
  const reading = memory.world
  const world = await reading?.catch(() => undefined)
  if (world && ports.now().getTime() - world.readAt.getTime() <= ports.settings.intervalSeconds * 500) {
    const { since, runSince } = analysis
    return world.readAt > since && world.readAt > runSince ? world : readWorld(ports, analysis.id)
  }
  if (memory.world !== reading) return worldFor(ports, memory, analysis)
  memory.world = readWorld(ports)
  return memory.world
}
