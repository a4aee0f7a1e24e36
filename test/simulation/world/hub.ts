/** The Hub: its rows of known analyses and of partners, and all reports. */
import { Fault } from '../../../shared/platform/fault.ts'
import type { AnalysisId, HubStatus } from '../../../shared/po/model.ts'
import type { Hub, PartnerNode } from '../../../shared/po/ports/hub.ts'
import type { Random } from '../core/random.ts'

export interface HubModel {
  readonly hub: Hub
  /** Its row of an analysis. */
  readonly statuses: ReadonlyMap<AnalysisId, HubStatus>
}

export interface HubOptions {
  readonly random: Random
  readonly knows: (id: AnalysisId) => boolean
  readonly told: (id: AnalysisId, status: HubStatus, progress: number | null) => void
  readonly logged: (id: AnalysisId, message: string) => void
  /** Share of log lines that it refuses. */
  readonly refuses: () => number
}

const NODE = 'node-of-'
const PARTNER_STATUSES: readonly (HubStatus | null)[] = [null, 'started', 'executing', 'executing', 'executed']

export function createHubModel({ random, knows, told, logged, refuses }: HubOptions): HubModel {
  const statuses = new Map<AnalysisId, HubStatus>()
  const partnersOf = (id: AnalysisId): PartnerNode[] =>
    [1, 2].map((nth) => ({
      analysisNodeId: `partner-${nth}-of-${id}`,
      nodeId: `partner-${nth}`,
      executionStatus: random.pick(PARTNER_STATUSES),
    }))

  const hub: Hub = {
    analysisNode: async (id) => (knows(id) ? { analysisNodeId: NODE + id } : undefined),
    partners: async (id) => (knows(id) ? partnersOf(id) : []),
    updateStatus: async (node, status, progress) => {
      const id = node.slice(NODE.length) as AnalysisId
      if (!node.startsWith(NODE) || !knows(id)) throw new Fault('refused', 'no such row')
      statuses.set(id, status)
      told(id, status, progress)
    },
    createLog: async (id, { message }) => {
      if (!knows(id) || random.chance(refuses())) throw new Fault('refused', 'not this line')
      logged(id, message)
    },
  }
  return { hub, statuses }
}
