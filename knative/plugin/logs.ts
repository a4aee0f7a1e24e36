/** `kn po logs ID`: the logs of a live analysis as they are now, or with `--history` those of an ended one. */
import { Refused } from './errors.ts'
import { follow } from './follow.ts'
import { type Statuses, unknownAnalysis } from './status.ts'
import { asJson } from './table.ts'
import { asText, type LogTexts, textsOf } from './texts.ts'
import { idOf, type VerbContext } from './work.ts'

/** Nothing to show may have reasons of all kinds. */
async function explainNothing({ input, api, terminal }: VerbContext): Promise<void> {
  const id = idOf(input)
  const found = Object.values(await api.get<Statuses>(`/po/status/${id}`))[0]
  if (input.history && found) throw new Refused(`analysis ${id} has no history yet: it is ${found.status}`)
  if (input.history) throw new Refused(`there is no analysis ${id}, and none of this id has ended`)
  if (!found) throw unknownAnalysis(id)
  terminal.note(`analysis ${id} is ${found.status}; no live container has written anything`)
}

export async function logs(work: VerbContext): Promise<void> {
  const { input, terminal, api } = work
  if (input.follow) return follow(work)
  const answer = await api.get<LogTexts>(`/po/${input.history ? 'history' : 'logs'}/${idOf(input)}`)
  const texts = textsOf(answer)
  if (texts.length > 0 || input.json) terminal.out(input.json ? asJson(answer) : asText(texts))
  if (texts.length === 0) await explainNothing(work)
}
