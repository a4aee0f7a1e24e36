/** What Kubernetes has of all analyses, or of one: read by a sweep once, and by everything that asks what is there. */
import type { AnalysisId } from './model.ts'
import { LABEL } from './names.ts'
import { type ObjectMeta, OWNED_KINDS, type PodFacts, type Ports } from './ports.ts'

/** Objects in the order in which they are removed: a root comes first, and with it goes what lies below. */
export interface Inventory {
  readonly objects: readonly ObjectMeta[]
  readonly pods: readonly PodFacts[]
}

/**
 * One list per owned kind (metadata only) and the pods, one after another: side by side they would all be in memory at the
 * same time, and the polls that go on meanwhile take longer anyway.
 */
export async function takeInventory({ cluster }: Pick<Ports, 'cluster'>, id?: AnalysisId): Promise<Inventory> {
  const ours = { [LABEL.analysis]: id }
  const objects: ObjectMeta[] = []
  const pods = await cluster.pods(ours)
  for (const kind of OWNED_KINDS) objects.push(...(await cluster.list(kind, ours)))
  return { objects, pods }
}
