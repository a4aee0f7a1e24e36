/** Executing analyses, in the database only. */
import { randomUUID } from 'node:crypto'
import type { AnalysisId } from '../../shared/po/model.ts'
import type { PoStore } from '../../shared/po/ports/store.ts'

/** The id of the nth analysis ends in n. */
export const analysisId = (n: number): AnalysisId =>
  `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}` as AnalysisId

async function seedOne(store: PoStore, id: AnalysisId): Promise<AnalysisId> {
  const result = await store.begin({
    id,
    spelling: id,
    projectId: randomUUID(),
    image: 'registry.invalid/project/analysis:1',
    registryHost: 'registry.invalid',
    needsKong: true,
    restartCounter: 0,
    progress: 0,
    requestedBy: null,
    leaseMs: 60_000,
  })
  if (result.kind !== 'begun') throw new Error(`begin answered ${result.kind}`)
  await store.transition(result.analysis.key, ['starting'], 'executing', { claimedUntil: null })
  return id
}

/** @param idOf the id of the nth, from 1 */
export async function seedAnalyses(
  store: PoStore,
  count: number,
  idOf: (n: number) => AnalysisId = () => randomUUID() as AnalysisId,
): Promise<AnalysisId[]> {
  const ids: AnalysisId[] = []
  while (ids.length < count) {
    const batch = Math.min(8, count - ids.length)
    const seeded = Array.from({ length: batch }, (_, index) => seedOne(store, idOf(ids.length + index + 1)))
    ids.push(...(await Promise.all(seeded)))
  }
  return ids
}
