/** The FLAME Hub. */
import type { AnalysisId, HubStatus } from '../model.ts'

export interface PartnerNode {
  readonly analysisNodeId: string
  readonly nodeId: string
  readonly executionStatus: HubStatus | null
}

export interface Hub {
  /** Our analysis node: the row that joins this node and the analysis. Undefined when the Hub has none. */
  analysisNode(id: AnalysisId): Promise<{ readonly analysisNodeId: string } | undefined>
  /** All nodes that take part in an analysis, our own left out. All pages. */
  partners(id: AnalysisId): Promise<PartnerNode[]>
  updateStatus(analysisNodeId: string, status: HubStatus, progress: number | null): Promise<void>
  createLog(
    id: AnalysisId,
    log: { readonly level: string; readonly message: string; readonly status: string | null },
  ): Promise<void>
}
