/**
 * Verifies records of analyses with the node's public key, without network and database.
 *
 *     node shared/commands/verify-record.ts --key public.pem FILE…
 *
 * A file holds an envelope as `GET /po/analyses/{id}/record` returns it. Prints what each record says. Exit code: 0 all good,
 * 1 a bad record, 2 it could not begin.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { payloadOf, verifyEnvelope } from '../adapters/envelope.ts'
import { derive, headOf, PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE, type Statement } from '../adapters/statement.ts'
import { CannotBegin, orUsage } from './command.ts'
import { type Read, readKey, readText } from './key-file.ts'
import { printable } from './table.ts'

interface VerifyDeps {
  readonly print: (line: string) => void
  readonly complain: (line: string) => void
  readonly read: Read
}

const USAGE = 'usage: node shared/commands/verify-record.ts --key public.pem FILE…'

const parseOptions = (args: readonly string[]) =>
  orUsage(USAGE, () => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { key: { type: 'string' } },
      allowPositionals: true,
    })
    if (values.key === undefined || positionals.length === 0) throw new Error(USAGE)
    return { key: values.key, files: positionals }
  })

/** @returns the exit code */
export async function verifyRecords(args: readonly string[], { print, complain, read }: VerifyDeps): Promise<number> {
  try {
    const { key, files } = parseOptions(args)
    const pem = readKey(key, read)
    let good = 0
    for (const file of files) if (await isGood(file, parse(readText(file, read)), pem, print)) good += 1
    print(`${good} of ${files.length} records are good`)
    return good === files.length ? 0 : 1
  } catch (error) {
    if (!(error instanceof CannotBegin)) throw error
    complain(error.message)
    return 2
  }
}

async function isGood(file: string, envelope: unknown, pem: string, print: VerifyDeps['print']): Promise<boolean> {
  const { reason, says = [] } = await judge(envelope, pem)
  print(reason === undefined ? `good  ${file}` : `BAD   ${file}  ${printable(reason)}`)
  for (const line of says) print(`      ${printable(line)}`)
  return reason === undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** To be compared with one that was kept elsewhere. */
const digestLine = (envelope: unknown): string =>
  `statement sha256 ${createHash('sha256')
    .update(payloadOf(envelope, PAYLOAD_TYPE) ?? '')
    .digest('hex')}`

/** Of an envelope whose signature is valid. */
const statementIn = (envelope: unknown) => parse(payloadOf(envelope, PAYLOAD_TYPE) ?? '') as Statement

/** Why it is not good, or what it says. */
interface Judgement {
  readonly reason?: string
  readonly says?: readonly string[]
}

async function judge(envelope: unknown, pem: string): Promise<Judgement> {
  const verdict = await verifyEnvelope(envelope, PAYLOAD_TYPE, pem)
  if (!verdict.ok) return { reason: verdict.reason }
  try {
    const statement = statementIn(envelope)
    const reason = contradiction(statement)
    return reason === undefined ? { says: [digestLine(envelope), ...describe(statement)] } : { reason }
  } catch {
    // It lacks fields that every record has.
    return { reason: NO_RECORD }
  }
}

const NO_RECORD = 'it is signed, and is no record of an analysis'

/** What in a signed record does not fit the rest of it. */
function contradiction({ _type, predicateType, subject, predicate }: Statement): string | undefined {
  if (_type !== STATEMENT_TYPE || predicateType !== PREDICATE_TYPE) return NO_RECORD
  const { journal, journalHead, changed, request, runs, statuses, end } = predicate
  if (changed.length > 0) return `the database of the node was changed: ${changed.join(', ')}`
  if (headOf(journal) !== journalHead) return 'the entries of its journal are not those that were chained'
  if (!isDeepStrictEqual({ subject, request, runs, statuses, end }, derive(journal)))
    return 'what it says does not follow from its journal'
  return undefined
}

const orNone = (text: string | null): string => text ?? 'not recorded'

function describe({ predicate }: Statement): readonly string[] {
  const { request, runs, statuses, lines, end, node } = predicate
  const proven = runs.filter(({ isolation }) => isolation !== null).length
  const count = lines.reduce((sum, run) => sum + run.count, 0)
  const digests = [...new Set(runs.map(({ imageDigest }) => orNone(imageDigest)))]
  return [
    `analysis ${request?.analysisId} of project ${request?.projectId}, on node ${node}`,
    `asked for by ${orNone(request?.requestedBy ?? null)} on ${statuses[0]?.at}`,
    `image ${request?.image}, digest ${digests.join(', ')}`,
    `${end?.state} on ${end?.at}: ${orNone(end?.cause ?? null)}`,
    `runs: ${runs.length}, with a proof of isolation: ${proven}, statuses: ${statuses.length}, lines: ${count}`,
  ]
}

if (import.meta.main) {
  process.exitCode = await verifyRecords(process.argv.slice(2), {
    print: (line) => console.log(line),
    complain: (line) => console.error(line),
    read: (path) => readFileSync(path, 'utf8'),
  })
}
