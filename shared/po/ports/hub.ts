/** The FLAME Hub. */
import type { AnalysisId, HubStatus } from '../model.ts'

export interface PartnerNode {
  readonly analysisNodeId: string
  readonly nodeId: string
  readonly executionStatus: HubStatus | null
}

export interface Hub {
  /** The Hub's row for an analysis on this node; undefined when there is none. */
  analysisNode(id: AnalysisId): Promise<{ readonly analysisNodeId: string } | undefined>
  /** All other nodes that take part in an analysis, from all pages. */
  partners(id: AnalysisId): Promise<PartnerNode[]>
  updateStatus(analysisNodeId: string, status: HubStatus, progress: number | null): Promise<void>
  createLog(
    id: AnalysisId,
    log: { readonly level: string; readonly message: string; readonly status: string | null },
  ): Promise<void>
}
