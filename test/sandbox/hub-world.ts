/** Nodes, analyses and reports in the memory of the Hub stand-in. */
import { randomUUID } from 'node:crypto'

export interface HubNode {
  readonly id: string
  readonly name: string
  readonly clientId: string | null
  readonly realmId: string
  readonly online: boolean
  readonly hidden: boolean
  readonly type: 'default' | 'aggregator'
  readonly externalName: string | null
  readonly publicKey: string | null
  readonly registryId: string | null
  readonly registryProjectId: string | null
  readonly createdAt: string
  readonly updatedAt: string
}

export interface AnalysisNode {
  readonly id: string
  readonly analysisId: string
  readonly nodeId: string
  readonly analysisRealmId: string
  readonly nodeRealmId: string
  readonly approvalStatus: string
  readonly comment: string | null
  readonly artifactTag: string | null
  readonly artifactDigest: string | null
  readonly createdAt: string
  executionStatus: string | null
  executionProgress: number | null
  updatedAt: string
}

export interface StatusRecord {
  readonly at: string
  readonly status: string | null
  readonly progress: number | null
}

export interface LogRecord {
  readonly at: string
  readonly level: string
  readonly message: string
  readonly status: string | null
  readonly code: string | null
}

/** The reports of this node about one analysis, oldest first. */
export interface AnalysisRecord {
  readonly statuses: StatusRecord[]
  readonly logs: LogRecord[]
}

export interface Registration {
  readonly analysisNodeId: string
  readonly partners: readonly { readonly analysisNodeId: string; readonly nodeId: string }[]
}

export interface WorldOptions {
  readonly clientId: string
  readonly nodeName: string
  /** Partners of an analysis that is registered without a number. */
  readonly partners: number
  readonly now: () => Date
}

export function createWorld({ clientId, nodeName, partners: usual, now }: WorldOptions) {
  const node = makeNode(nodeName, clientId, now())
  const nodes = [node]
  const rowsOf = new Map<string, AnalysisNode[]>()
  const rowById = new Map<string, AnalysisNode>()
  const records = new Map<string, AnalysisRecord>()

  const partner = (index: number): HubNode => {
    const known = nodes[index + 1]
    if (known) return known
    const made = makeNode(`partner-${index + 1}`, randomUUID(), now())
    nodes.push(made)
    return made
  }

  const makeRows = (id: string, partners: number, status: string | null): AnalysisNode[] => {
    const members = [node, ...Array.from({ length: partners }, (_, index) => partner(index))]
    const realm = randomUUID()
    const rows = members.map((member) => ({
      ...makeRow(id, member, realm, now()),
      executionStatus: member === node ? null : status,
    }))
    rowsOf.set(id, rows)
    for (const row of rows) rowById.set(row.id, row)
    return rows
  }

  return {
    node,
    nodes,
    now,
    records,
    rowById: (id: string): AnalysisNode | undefined => rowById.get(id),
    rowsOf: (id: string): readonly AnalysisNode[] => rowsOf.get(id) ?? [],
    allRows: (): readonly AnalysisNode[] => [...rowById.values()],

    /** The same rows again for a known id. @param status of its partners */
    register(id: string, partners = usual, status: string | null = null): Registration {
      const refs = (rowsOf.get(id) ?? makeRows(id, partners, status)).map((row) => ({
        analysisNodeId: row.id,
        nodeId: row.nodeId,
      }))
      return {
        analysisNodeId: refs.find(({ nodeId }) => nodeId === node.id)?.analysisNodeId ?? '',
        partners: refs.filter(({ nodeId }) => nodeId !== node.id),
      }
    },

    drop(id: string): void {
      for (const row of rowsOf.get(id) ?? []) rowById.delete(row.id)
      rowsOf.delete(id)
    },

    told: (id: string): AnalysisRecord => records.get(id) ?? { statuses: [], logs: [] },

    /** Where to write what is told about an analysis. */
    recordOf(id: string): AnalysisRecord {
      const record = records.get(id) ?? { statuses: [], logs: [] }
      records.set(id, record)
      return record
    },
  }
}

export type HubWorld = ReturnType<typeof createWorld>

const makeNode = (name: string, clientId: string, at: Date): HubNode => ({
  id: randomUUID(),
  name,
  clientId,
  realmId: randomUUID(),
  online: true,
  hidden: false,
  type: 'default',
  externalName: null,
  publicKey: null,
  registryId: null,
  registryProjectId: null,
  createdAt: at.toISOString(),
  updatedAt: at.toISOString(),
})

const makeRow = (analysisId: string, node: HubNode, analysisRealmId: string, at: Date): AnalysisNode => ({
  id: randomUUID(),
  analysisId,
  nodeId: node.id,
  analysisRealmId,
  nodeRealmId: node.realmId,
  approvalStatus: 'approved',
  executionStatus: null,
  executionProgress: null,
  comment: null,
  artifactTag: null,
  artifactDigest: null,
  createdAt: at.toISOString(),
  updatedAt: at.toISOString(),
})
