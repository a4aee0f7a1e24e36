/**
 * Verifies archive entries with the node's public key, from exported files or from the database.
 *
 *     node shared/verify-archive.ts --key public.pem [--id <analysis id>] [FILE…]
 *
 * A file holds `{"document": "…", "signature": "…"}` or a list of them, as the archive stores them. Without files the
 * entries are read from the database that the `POSTGRES_*` settings name. Prints a line per entry.
 * Exit code: 0 all good, 1 a bad entry or none with that id, 2 it could not look.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { asObject, asObjects, textOf } from './adapters/json.ts'
import { readPublicKey, verifyArchive } from './adapters/signing.ts'
import { type AnalysisId, parseAnalysisId } from './po/model.ts'
import type { Store } from './po/ports.ts'

export interface Entry {
  readonly document: string
  readonly signature: string | null
}

export interface VerifyDeps {
  readonly print: (line: string) => void
  readonly complain: (line: string) => void
  readonly read: (path: string) => string
  /** Entries of the database. */
  readonly stored: (id: AnalysisId | undefined) => Promise<readonly Entry[]>
}

/** Why nothing could be verified; ends with exit code 2. */
class CannotLook extends Error {}

/** @returns the exit code */
export async function verifyEntries(args: readonly string[], deps: VerifyDeps): Promise<number> {
  try {
    const { key, id, files } = parseOptions(args)
    const pem = readKey(key, deps.read)
    const entries =
      files.length > 0 ? files.flatMap((file) => readEntries(file, deps.read)) : await fetchEntries(id, deps)
    const wanted = entries.filter((entry) => id === undefined || subjectOf(entry.document).id === id)
    return (await judge(wanted, pem, deps.print)) && (id === undefined || wanted.length > 0) ? 0 : 1
  } catch (error) {
    if (!(error instanceof CannotLook)) throw error
    deps.complain(error.message)
    return 2
  }
}

const USAGE = 'usage: node shared/verify-archive.ts --key public.pem [--id <analysis id>] [FILE…]'

function parseOptions(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { key: { type: 'string' }, id: { type: 'string' } },
      allowPositionals: true,
    })
    const id = values.id === undefined ? undefined : parseAnalysisId(values.id)
    if (values.key === undefined || (values.id !== undefined && id === undefined)) throw new Error(USAGE)
    return { key: values.key, id, files: positionals }
  } catch {
    throw new CannotLook(USAGE)
  }
}

function readKey(path: string, read: VerifyDeps['read']): string {
  const pem = readText(path, read)
  if (!readPublicKey(pem)) throw new CannotLook(`${path}: expected a public key or a certificate in PEM form`)
  return pem
}

function readText(path: string, read: VerifyDeps['read']): string {
  try {
    return read(path)
  } catch {
    throw new CannotLook(`${path}: cannot be read`)
  }
}

function readEntries(path: string, read: VerifyDeps['read']): readonly Entry[] {
  const value = parse(readText(path, read))
  const objects = Array.isArray(value) ? asObjects(value) : [asObject(value)]
  return objects.map((object) => {
    const document = textOf(object, 'document')
    if (document === undefined) throw new CannotLook(`${path}: expected {"document": "…", "signature": "…"}`)
    return { document, signature: textOf(object, 'signature') ?? null }
  })
}

async function fetchEntries(id: AnalysisId | undefined, deps: VerifyDeps): Promise<readonly Entry[]> {
  try {
    return await deps.stored(id)
  } catch (error) {
    throw new CannotLook(`database: ${error instanceof Error ? error.message : 'cannot be read'}`)
  }
}

async function judge(entries: readonly Entry[], pem: string, print: VerifyDeps['print']): Promise<boolean> {
  let good = 0
  for (const { document, signature } of entries) {
    const verdict = signature === null ? UNSIGNED : await verifyArchive(document, signature, pem)
    if (verdict.ok) good += 1
    print(`${verdict.ok ? 'good' : 'BAD '}  ${titleOf(document)}${verdict.ok ? '' : `  ${verdict.reason}`}`)
  }
  print(`${good} of ${entries.length} entries are good`)
  return good === entries.length
}

const UNSIGNED = { ok: false, reason: 'it is not signed' } as const

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
  // It is printed before anybody knows who wrote it: nothing in it may steer a terminal.
  return [id, outcome, endedAt]
    .filter(Boolean)
    .join(' ')
    .replace(/[^ -~]/g, '?')
}

/** Loads PostgreSQL only when no file is given: the offline check needs neither database nor settings. */
async function readStored(id: AnalysisId | undefined): Promise<readonly Entry[]> {
  const [{ loadConfig }, { connect, createStore }] = await Promise.all([
    import('./config.ts'),
    import('./adapters/postgres/index.ts'),
  ])
  const sql = connect(loadConfig(['database']))
  try {
    const store: Pick<Store, 'archiveEntries'> = createStore(sql)
    return await store.archiveEntries(id)
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
  })
}
