/**
 * What an analysis is told of its partners: what the Hub says now, or what it said last. While the Hub is away it is asked
 * once per interval, not once per analysis, and nobody waits for it.
 */
import { isFault } from '../../platform/fault.ts'
import type { Analysis, PartnerStatuses } from '../model.ts'
import type { Ports } from '../ports.ts'

type PartnerPorts = Pick<Ports, 'store' | 'hub' | 'sidecar' | 'log' | 'now' | 'settings'>

/** Since when the Hub is known to be away, by this process; lost without harm. */
export interface HubMemory {
  awayUntil: Date | undefined
}

const sameStatuses = (one: PartnerStatuses, other: PartnerStatuses): boolean => {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}

async function askHub({ hub, store }: PartnerPorts, { key, id, partners }: Analysis): Promise<PartnerStatuses> {
  const rows = await hub.partners(id)
  const statuses = Object.fromEntries(
    rows.map(({ analysisNodeId, executionStatus }) => [analysisNodeId, executionStatus]),
  )
  if (!sameStatuses(statuses, partners)) await store.savePartners(key, statuses)
  return statuses
}

/** The statuses of the partners as far as they can be known; our own node is not among them. */
async function partnersOf(ports: PartnerPorts, memory: HubMemory, analysis: Analysis): Promise<PartnerStatuses> {
  const { log, now, settings } = ports
  if (memory.awayUntil && now() < memory.awayUntil) return analysis.partners
  try {
    return await askHub(ports, analysis)
  } catch (error) {
    if (!isFault(error, 'refused')) memory.awayUntil = new Date(now().getTime() + settings.intervalSeconds * 1000)
    log('info', 'partners as last known', { analysis: analysis.id, error })
    return analysis.partners
  }
}

export async function tellPartners(ports: PartnerPorts, memory: HubMemory, analysis: Analysis): Promise<void> {
  const { id, run } = analysis
  const statuses = await partnersOf(ports, memory, analysis)
  try {
    await ports.sidecar.partnerStatus(id, run, statuses)
  } catch (error) {
    ports.log('debug', 'partners not told', { analysis: id, run, error })
  }
}
