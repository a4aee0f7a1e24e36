/** Verifies the stored lines and logs of an archive entry against the digests in its document. */
import type { AnalysisKey, RunNumber } from '../po/model.ts'
import type { ArchivedLog, ArchivedRun } from '../po/ports/archive.ts'
import type { PoStore } from '../po/ports/store.ts'
import { lineItem, listDigest } from './content-digest.ts'
import { asObject } from './json.ts'

type ContentReader = Pick<PoStore, 'lines' | 'logPiece'>

async function linesDigest({ lines }: ContentReader, key: AnalysisKey, run: RunNumber): Promise<string> {
  const digest = listDigest()
  for (let page = await lines(key, run, undefined); page.length > 0; ) {
    for (const line of page) digest.add(lineItem(line))
    page = await lines(key, run, page.at(-1)?.seq)
  }
  return digest.end()
}

async function logDigest({ logPiece }: ContentReader, key: AnalysisKey, log: ArchivedLog): Promise<string> {
  const digest = listDigest()
  for (let n = 0; ; n += 1) {
    const piece = await logPiece(key, log, n)
    if (piece === undefined) return digest.end()
    digest.add(piece)
  }
}

/**
 * The first difference between content and digests, or null. Entries of the first version contain their content themselves.
 * @param document of an entry whose signature is valid
 */
export async function contentFault(reader: ContentReader, key: AnalysisKey, document: string): Promise<string | null> {
  const { version, runs, logs } = asObject(JSON.parse(document)) as {
    version?: unknown
    runs: readonly ArchivedRun[]
    logs: readonly ArchivedLog[]
  }
  if (version === 1) return null
  for (const { run, lines } of runs) {
    if ((await linesDigest(reader, key, run)) !== lines.sha256)
      return `the lines of run ${run} are not those that were signed`
  }
  for (const log of logs) {
    if ((await logDigest(reader, key, log)) !== log.sha256)
      return `the log of ${log.container} in run ${log.run} is not the one that was signed`
  }
  return null
}
