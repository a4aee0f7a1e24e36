/** One analysis by the caller's spelling of its id, or all of them: what most endpoints share. */

import { mapConcurrent } from '../platform/concurrency.ts'
import type { Analysis, AnalysisId } from './model.ts'
import type { PoPorts } from './ports.ts'

const CONCURRENCY = 32

/** The analysis a caller names, with the spelling that answers use as key; undefined means all. */
export type Selection = { readonly id: AnalysisId; readonly spelling: string } | undefined

/** The current incarnations a caller means, under the key of their answer. */
export async function select(
  { store }: Pick<PoPorts, 'store'>,
  selection: Selection,
): Promise<(readonly [string, Analysis])[]> {
  if (!selection) return (await store.list()).map((analysis) => [analysis.spelling, analysis])
  const analysis = await store.find(selection.id)
  return analysis ? [[selection.spelling, analysis]] : []
}

/** Runs side by side; when some fail, the others are done all the same, and the first fault is thrown. */
export async function eachAnalysis<T>(
  ports: Pick<PoPorts, 'store'>,
  selection: Selection,
  act: (analysis: Analysis) => Promise<T>,
): Promise<Record<string, T>> {
  const selected = await select(ports, selection)
  const results = await mapConcurrent(selected, CONCURRENCY, ([, analysis]) => act(analysis))
  const answer: Record<string, T> = {}
  for (const [index, result] of results.entries()) {
    if (result.status === 'rejected') throw result.reason
    const key = selected[index]?.[0]
    if (key !== undefined) answer[key] = result.value
  }
  return answer
}
