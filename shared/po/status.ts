/** `GET /po/status[/{id}]`: state and progress in the words that clients know. Unknown ids answer an empty object. */
import { type Selection, select } from './each.ts'
import { statusWord } from './lifecycle.ts'
import type { StatusWord } from './model.ts'
import type { Ports } from './ports.ts'

export interface AnalysisStatus {
  readonly status: StatusWord
  readonly progress: number
}

export async function status(
  ports: Pick<Ports, 'store'>,
  selection: Selection,
): Promise<Record<string, AnalysisStatus>> {
  const selected = await select(ports, selection)
  return Object.fromEntries(
    selected.map(([key, { state, progress }]) => [key, { status: statusWord(state), progress }]),
  )
}
