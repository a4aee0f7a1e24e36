/** The objects and pods of all analyses in Kubernetes, or of one. A sweep reads them once. */
import type { AnalysisId } from './model.ts'
import { LABEL } from './names.ts'
import { type ObjectMeta, OWNED_KINDS, type PoPodFacts } from './ports/cluster.ts'
import type { PoPorts } from './ports.ts'

/** Objects in order of removal: roots come first, and what they own is deleted with them. */
export interface Inventory {
  readonly objects: readonly ObjectMeta[]
  readonly pods: readonly PoPodFacts[]
}

export async function takeInventory({ cluster }: Pick<PoPorts, 'cluster'>, id?: AnalysisId): Promise<Inventory> {
  const ours = { [LABEL.analysis]: id }
  const [pods, ...lists] = await Promise.all([
    cluster.pods(ours),
    ...OWNED_KINDS.map((kind) => cluster.list(kind, ours)),
  ])
  return { objects: lists.flat(), pods }
}
