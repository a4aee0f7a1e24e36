/**
 * Sends an analysis the statuses of its partners: those that the Hub returns now, or the last known ones. While the Hub is
 * down, a process asks it once per interval and not once per analysis, and no analysis waits for it.
 */
import { isFault } from '../../platform/fault.ts'
import type { Analysis, PartnerStatuses } from '../model.ts'
import type { PoPorts } from '../ports.ts'

type PartnerPorts = Pick<PoPorts, 'store' | 'hub' | 'analysisApi' | 'log' | 'now' | 'settings'>

/** Until when this process does not ask the Hub, because it was down. */
export interface HubOutage {
  until: Date | undefined
}

export async function sendPartnerStatuses(ports: PartnerPorts, outage: HubOutage, analysis: Analysis): Promise<void> {
  const { id, run } = analysis
  const statuses = await partnerStatuses(ports, outage, analysis)
  try {
    await ports.analysisApi.sendPartnerStatuses(id, run, statuses)
  } catch (error) {
    ports.log('debug', 'partner statuses not sent', { analysis: id, run, error })
  }
}

/** The statuses of the partners, without our own node. */
export async function partnerStatuses(
  ports: Omit<PartnerPorts, 'analysisApi'>,
  outage: HubOutage,
  analysis: Analysis,
): Promise<PartnerStatuses> {
  const { log, now, settings } = ports
  if (outage.until && now() < outage.until) return analysis.partners
  try {
    return await readFromHub(ports, analysis)
  } catch (error) {
    if (!isFault(error, 'refused')) outage.until = new Date(now().getTime() + settings.intervalSeconds * 1000)
    log('info', 'partner statuses not read', { analysis: analysis.id, error })
    return analysis.partners
  }
}

async function readFromHub(
  { hub, store }: Pick<PartnerPorts, 'hub' | 'store'>,
  { key, id, partners }: Analysis,
): Promise<PartnerStatuses> {
  const rows = await hub.partners(id)
  const statuses = Object.fromEntries(
    rows.map(({ analysisNodeId, executionStatus }) => [analysisNodeId, executionStatus]),
  )
  if (!isSame(statuses, partners)) await store.savePartners(key, statuses)
  return statuses
}

const isSame = (one: PartnerStatuses, other: PartnerStatuses): boolean => {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}
