/** `kn po status [ID]`, `kn po record ID`, `kn po stop ID`, `kn po healthz`: one request each. */

import { idOf, type VerbContext } from './context.ts'
import { CommandError } from './errors.ts'
import { formatJson, formatTable } from './table.ts'

export type Statuses = Readonly<Record<string, { readonly status: string; readonly progress: number }>>

export const unknownAnalysis = (id: string): CommandError =>
  new CommandError(`there is no analysis ${id}; if it was executed or deleted: kn po logs ${id} --history`)

export async function showStatus({ input, terminal, api }: VerbContext): Promise<void> {
  const { argument: id, json } = input
  const answer = await api.get<Statuses>(id === undefined ? '/po/status' : `/po/status/${id}`)
  const rows = Object.entries(answer).map(([key, { status, progress }]) => [key, status, `${progress} %`])
  if (json) terminal.out(formatJson(answer))
  else if (rows.length > 0) terminal.out(formatTable(['ANALYSIS', 'STATUS', 'PROGRESS'], rows))
  if (rows.length > 0) return
  if (id !== undefined) throw unknownAnalysis(id)
  terminal.note('No analyses.')
}

export async function stopAnalysis({ input, terminal, api }: VerbContext): Promise<void> {
  const id = idOf(input)
  const answer = await api.put<Readonly<Record<string, string>>>(`/po/stop/${id}`)
  const stopped = Object.entries(answer)
  if (stopped.length === 0) throw unknownAnalysis(id)
  terminal.out(input.json ? formatJson(answer) : stopped.map(([key, word]) => `${key} ${word}\n`).join(''))
}

/** The record is JSON in any format of output: it is what a verifier reads. */
export async function showRecord({ input, terminal, api }: VerbContext): Promise<void> {
  terminal.out(formatJson(await api.get<object>(`/po/analyses/${idOf(input)}/record`)))
}

export async function showHealth({ input, terminal, api }: VerbContext): Promise<void> {
  const answer = await api.getPublic<{ readonly status: string }>('/po/healthz')
  terminal.out(input.json ? formatJson(answer) : `${answer.status}\n`)
}
