/** `kn po logs ID`: prints the current logs of a live analysis, or with `--history` those of an ended one. */

import { idOf, type VerbContext } from './context.ts'
import { CommandError } from './errors.ts'
import { follow } from './follow.ts'
import { type Statuses, unknownAnalysis } from './status.ts'
import { formatJson } from './table.ts'
import { asText, type LogTexts, textsOf } from './texts.ts'

async function explainEmpty({ input, api, terminal }: VerbContext): Promise<void> {
  const id = idOf(input)
  const found = Object.values(await api.get<Statuses>(`/po/status/${id}`))[0]
  if (input.history && found) throw new CommandError(`analysis ${id} has no history yet: it is ${found.status}`)
  if (input.history) throw new CommandError(`there is no analysis ${id}, and none of this id has ended`)
  if (!found) throw unknownAnalysis(id)
  terminal.note(`analysis ${id} is ${found.status}; no live container has written anything`)
}

export async function showLogs(context: VerbContext): Promise<void> {
  const { input, terminal, api } = context
  if (input.follow) return follow(context)
  const answer = await api.get<LogTexts>(`/po/${input.history ? 'history' : 'logs'}/${idOf(input)}`)
  const texts = textsOf(answer)
  if (texts.length > 0 || input.json) terminal.out(input.json ? formatJson(answer) : asText(texts))
  if (texts.length === 0) await explainEmpty(context)
}
