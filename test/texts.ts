/** Texts that come in pieces, read as a whole. */
import type { Logs, TextsByKey } from '../shared/po/texts.ts'

export async function wholeTexts(texts: TextsByKey): Promise<Record<string, string[]>> {
  const whole: Record<string, string[]> = {}
  for await (const [key, list] of texts) {
    const read: string[] = []
    for await (const text of list) {
      let joined = ''
      for await (const piece of text) joined += piece
      read.push(joined)
    }
    whole[key] = read
  }
  return whole
}

export const wholeLogs = async ({ analysis, nginx }: Logs) => ({
  analysis: await wholeTexts(analysis),
  nginx: await wholeTexts(nginx),
})
