/** What Kubernetes has of all analyses, or of one: read by a sweep once, and by everything that asks what is there. */
import type { AnalysisId } from './model.ts'
import { LABEL } from './names.ts'
import { type ObjectMeta, OWNED_KINDS, type PoPodFacts } from './ports/cluster.ts'
import type { PoPorts } from './ports.ts'

/** Objects in the order in which they are removed: a root comes first, and with it goes what lies below. */
export interface Inventory {
  readonly objects: readonly ObjectMeta[]
  readonly pods: readonly PoPodFacts[]
}

/** One list per owned kind (metadata only) and the pods. */
export async function takeInventory({ cluster }: Pick<PoPorts, 'cluster'>, id?: AnalysisId): Promise<Inventory> {
  const ours = { [LABEL.analysis]: id }
  const [pods, ...lists] = await Promise.all([
    cluster.pods(ours),
    ...OWNED_KINDS.map((kind) => cluster.list(kind, ours)),
  ])
  return { objects: lists.flat(), pods }
}
