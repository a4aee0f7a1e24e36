/** `GET /po/status[/{id}]`: status and progress. The answer for an unknown id is an empty object. */
import type { Selection } from './each.ts'
import { statusWord } from './lifecycle.ts'
import type { StatusWord } from './model.ts'
import type { AnalysisState } from './ports/analyses.ts'
import type { PoPorts } from './ports.ts'

interface AnalysisStatus {
  readonly status: StatusWord
  readonly progress: number
}

async function statesOf({ store }: Pick<PoPorts, 'store'>, selection: Selection): Promise<AnalysisState[]> {
  if (!selection) return store.listStates()
  const analysis = await store.find(selection.id)
  return analysis ? [{ ...analysis, spelling: selection.spelling }] : []
}

export async function status(
  ports: Pick<PoPorts, 'store'>,
  selection: Selection,
): Promise<Record<string, AnalysisStatus>> {
  const states = await statesOf(ports, selection)
  const answer: Record<string, AnalysisStatus> = {}
  for (const { spelling, state, progress } of states) answer[spelling] = { status: statusWord(state), progress }
  return answer
}
