/** `GET /po/status[/{id}]`: status and progress. The answer for an unknown id is an empty object. */
import type { Selection } from './each.ts'
import { statusWord } from './lifecycle.ts'
import type { StatusWord } from './model.ts'
import type { AnalysisState } from './ports/analyses.ts'
import type { PoPorts } from './ports.ts'

async function statesOf({ store }: Pick<PoPorts, 'store'>, selection: Selection): Promise<AnalysisState[]> {
  if (!selection) return store.listStates()
  const analysis = await store.find(selection.id)
  return analysis ? [{ ...analysis, spelling: selection.spelling }] : []
}

export async function status(
  ports: Pick<PoPorts, 'store'>,
  selection: Selection,
): Promise<Record<string, { readonly status: StatusWord; readonly progress: number }>> {
  const states = await statesOf(ports, selection)
  return Object.fromEntries(
    states.map(({ spelling, state, progress }) => [spelling, { status: statusWord(state), progress }]),
  )
}
