/** `kn po status [ID]`, `kn po stop ID`, `kn po healthz`: one call each. */
import { Refused } from './errors.ts'
import { asJson, table } from './table.ts'
import { idOf, type VerbContext } from './work.ts'

export type Statuses = Readonly<Record<string, { readonly status: string; readonly progress: number }>>

export const unknownAnalysis = (id: string): Refused =>
  new Refused(`there is no analysis ${id}; if it was executed or deleted: kn po logs ${id} --history`)

export async function status({ input, terminal, api }: VerbContext): Promise<void> {
  const { argument: id, json } = input
  const answer = await api.get<Statuses>(id === undefined ? '/po/status' : `/po/status/${id}`)
  const rows = Object.entries(answer).map(([key, { status, progress }]) => [key, status, `${progress} %`])
  if (json) terminal.out(asJson(answer))
  else if (rows.length > 0) terminal.out(table(['ANALYSIS', 'STATUS', 'PROGRESS'], rows))
  if (rows.length > 0) return
  if (id !== undefined) throw unknownAnalysis(id)
  terminal.note('No analyses.')
}

export async function stop({ input, terminal, api }: VerbContext): Promise<void> {
  const id = idOf(input)
  const answer = await api.put<Readonly<Record<string, string>>>(`/po/stop/${id}`)
  const ended = Object.entries(answer)
  if (ended.length === 0) throw unknownAnalysis(id)
  terminal.out(input.json ? asJson(answer) : ended.map(([key, word]) => `${key} ${word}\n`).join(''))
}

export async function healthz({ input, terminal, api }: VerbContext): Promise<void> {
  const answer = await api.open<{ readonly status: string }>('/po/healthz')
  terminal.out(input.json ? asJson(answer) : `${answer.status}\n`)
}
