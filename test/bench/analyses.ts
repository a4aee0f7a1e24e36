/** Analyses that execute, as far as the database knows. */
import { randomUUID } from 'node:crypto'
import type { AnalysisId } from '../../shared/po/model.ts'
import type { Store } from '../../shared/po/ports.ts'

async function seedOne(store: Store): Promise<AnalysisId> {
  const id = randomUUID() as AnalysisId
  const result = await store.begin({
    id,
    spelling: id,
    projectId: randomUUID(),
    image: 'registry.invalid/project/analysis:1',
    registryHost: 'registry.invalid',
    needsKong: true,
    restartCounter: 0,
    progress: 0,
    leaseMs: 60_000,
  })
  if (result.kind !== 'begun') throw new Error(`begin answered ${result.kind}`)
  await store.transition(result.analysis.key, ['starting'], 'executing', { claimedUntil: null })
  return id
}

export async function seedAnalyses(store: Store, count: number): Promise<AnalysisId[]> {
  const ids: AnalysisId[] = []
  while (ids.length < count) {
    const batch = Math.min(8, count - ids.length)
    ids.push(...(await Promise.all(Array.from({ length: batch }, () => seedOne(store)))))
  }
  return ids
}
