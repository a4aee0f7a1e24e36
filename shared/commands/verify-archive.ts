/**
 * Verifies archive entries with the node's public key, from exported files or from the database.
 *
 *     node shared/commands/verify-archive.ts --key public.pem [--id <analysis id>] [FILE…]
 *
 * A file holds `{"document": "…", "signature": "…"}` or a list of them, as the archive stores them: its signature is
 * verified. Without files the entries are read from the database that the `POSTGRES_*` settings name, their lines and logs are
 * compared with the signed digests, and, without an id, entries that are missing are reported. Prints a line per entry.
 * Exit code: 0 all good, 1 a bad entry or none with that id, 2 it could not begin.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { contentFault } from '../adapters/archive-content.ts'
import { asObject, asObjects, textOf } from '../adapters/json.ts'
import { verifyArchive } from '../adapters/signing.ts'
import { type AnalysisId, parseAnalysisId } from '../po/model.ts'
import { createChain } from './archive-chain.ts'
import { CannotBegin, orUsage } from './command.ts'
import { type Read, readKey, readText } from './key-file.ts'
import { printable } from './table.ts'

export interface Entry {
  readonly document: string
  readonly signature: string | null
  /** Why its lines and logs are not those that were signed, or null; absent for an entry from a file. */
  readonly contentFault?: () => Promise<string | null>
}

interface VerifyDeps {
  readonly print: (line: string) => void
  readonly complain: (line: string) => void
  readonly read: Read
  /** Entries of the database, read one page at a time. */
  readonly stored: (id: AnalysisId | undefined) => AsyncIterable<Entry>
  /** Number of the last entry that was made, according to the database. */
  readonly head: () => Promise<number>
}

/** @returns the exit code */
export async function verifyEntries(args: readonly string[], deps: VerifyDeps): Promise<number> {
  try {
    const { key, id, files } = parseOptions(args)
    const pem = readKey(key, deps.read)
    const entries = files.length > 0 ? fileEntries(files, deps.read) : storedEntries(id, deps)
    const { good, all, chain } = await judge(ofId(entries, id), pem, deps.print)
    const isWhole = files.length > 0 || id !== undefined || reportChain(chain, await deps.head(), deps.print)
    return good === all && isWhole && (id === undefined || all > 0) ? 0 : 1
  } catch (error) {
    if (!(error instanceof CannotBegin)) throw error
    deps.complain(error.message)
    return 2
  }
}

const USAGE = 'usage: node shared/commands/verify-archive.ts --key public.pem [--id <analysis id>] [FILE…]'

const parseOptions = (args: readonly string[]) =>
  orUsage(USAGE, () => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { key: { type: 'string' }, id: { type: 'string' } },
      allowPositionals: true,
    })
    const id = values.id === undefined ? undefined : parseAnalysisId(values.id)
    if (values.key === undefined || (values.id !== undefined && id === undefined)) throw new Error(USAGE)
    return { key: values.key, id, files: positionals }
  })

function readEntries(path: string, read: Read): readonly Entry[] {
  const value = parse(readText(path, read))
  const objects = Array.isArray(value) ? asObjects(value) : [asObject(value)]
  return objects.map((object) => {
    const document = textOf(object, 'document')
    if (document === undefined) throw new CannotBegin(`${path}: expected {"document": "…", "signature": "…"}`)
    return { document, signature: textOf(object, 'signature') ?? null }
  })
}

async function* fileEntries(files: readonly string[], read: Read): AsyncGenerator<Entry> {
  yield* files.flatMap((file) => readEntries(file, read))
}

async function* ofId(entries: AsyncIterable<Entry>, id: AnalysisId | undefined): AsyncGenerator<Entry> {
  for await (const entry of entries) if (id === undefined || subjectOf(entry.document).id === id) yield entry
}

async function* storedEntries(id: AnalysisId | undefined, deps: VerifyDeps): AsyncGenerator<Entry> {
  try {
    yield* deps.stored(id)
  } catch (error) {
    throw new CannotBegin(`database: ${error instanceof Error ? error.message : 'cannot be read'}`)
  }
}

async function reasonAgainst({ document, signature, contentFault }: Entry, pem: string): Promise<string | null> {
  if (signature === null) return 'it is not signed'
  const verdict = await verifyArchive(document, signature, pem)
  if (!verdict.ok) return verdict.reason
  return (await contentFault?.()) ?? null
}

async function judge(entries: AsyncIterable<Entry>, pem: string, print: VerifyDeps['print']) {
  let [good, all] = [0, 0]
  const chain = createChain()
  for await (const entry of entries) {
    chain.add(entry.document, parse(entry.document))
    const reason = await reasonAgainst(entry, pem)
    all += 1
    if (reason === null) good += 1
    print(`${reason === null ? 'good' : 'BAD '}  ${titleOf(entry.document)}${reason === null ? '' : `  ${reason}`}`)
  }
  print(`${good} of ${all} entries are good`)
  return { good, all, chain }
}

/** Prints what is missing. @returns whether nothing is */
function reportChain(chain: ReturnType<typeof createChain>, head: number, print: VerifyDeps['print']): boolean {
  const { faults, first } = chain.end(head)
  for (const fault of faults) print(`BAD   ${fault}`)
  if (first !== undefined && first > 1)
    print(`note  the archive begins with entry ${first}: earlier ones were pruned, or taken away`)
  return faults.length === 0
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function subjectOf(document: string) {
  const entry = asObject(parse(document))
  return {
    id: parseAnalysisId(textOf(entry, 'analysisId') ?? ''),
    outcome: textOf(entry, 'outcome'),
    endedAt: textOf(entry, 'endedAt'),
  }
}

function titleOf(document: string): string {
  const { id, outcome, endedAt } = subjectOf(document)
  if (id === undefined) return 'a document that is no archive entry'
  return printable([id, outcome, endedAt].filter(Boolean).join(' '))
}

const PAGE = 100

/** Loads PostgreSQL only when no file is given: the offline check needs neither database nor settings. */
async function openStore() {
  const [{ loadConfig }, { connect, createPoStore }] = await Promise.all([
    import('../settings/config.ts'),
    import('../adapters/postgres/po/index.ts'),
  ])
  const sql = connect(loadConfig(['database']))
  return { sql, store: createPoStore(sql) }
}

async function readHead(): Promise<number> {
  const { sql, store } = await openStore()
  try {
    return await store.archiveHead()
  } finally {
    await sql.end({ timeout: 5 })
  }
}

async function* readStored(id: AnalysisId | undefined): AsyncGenerator<Entry> {
  const { sql, store } = await openStore()
  try {
    for (let page = await store.archiveEntries(undefined, PAGE, id); page.length > 0; ) {
      for (const { key, document, signature } of page)
        yield { document, signature, contentFault: () => contentFault(store, key, document) }
      page = await store.archiveEntries(page.at(-1)?.key, PAGE, id)
    }
  } finally {
    await sql.end({ timeout: 5 })
  }
}

if (import.meta.main) {
  process.exitCode = await verifyEntries(process.argv.slice(2), {
    print: (line) => console.log(line),
    complain: (line) => console.error(line),
    read: (path) => readFileSync(path, 'utf8'),
    stored: readStored,
    head: readHead,
  })
}
