/** Selects one analysis by id, or all of them; most endpoints need this. */

import { mapConcurrent } from '../platform/concurrency.ts'
import type { Analysis, AnalysisId } from './model.ts'
import type { PoPorts } from './ports.ts'

const CONCURRENCY = 32

/** The id in the path, with the spelling that the answer uses as key; undefined means all. */
export type Selection = { readonly id: AnalysisId; readonly spelling: string } | undefined

/** The selected current incarnations, each with its key in the answer. */
export async function select(
  { store }: Pick<PoPorts, 'store'>,
  selection: Selection,
): Promise<(readonly [string, Analysis])[]> {
  if (!selection) return (await store.list()).map((analysis) => [analysis.spelling, analysis])
  const analysis = await store.find(selection.id)
  return analysis ? [[selection.spelling, analysis]] : []
}

/** Acts on the selected analyses concurrently. A failure stops no other; the first fault is thrown at the end. */
export async function eachAnalysis<T>(
  ports: Pick<PoPorts, 'store'>,
  selection: Selection,
  act: (analysis: Analysis) => Promise<T>,
): Promise<Record<string, T>> {
  const selected = await select(ports, selection)
  const results = await mapConcurrent(selected, CONCURRENCY, async ([key, analysis]) => [key, await act(analysis)])
  return Object.fromEntries(
    results.map((result) => {
      if (result.status === 'rejected') throw result.reason
      return result.value
    }),
  )
}
