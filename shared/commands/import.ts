/**
 * Brings the services and files of a Mongo database over into ours. Without `--apply` it says what it would do, and writes
 * nothing; the bytes of files are read, and compared with what was kept of them, only when they are brought over.
 *
 *     node shared/commands/import.ts [--apply] [-o json]
 *
 *     --apply    do it; may be repeated until nothing is left
 *     -o json    one JSON object on stdout instead of a table
 *
 * Reads `MONGO_URL`, `MONGO_DB`, `MONGO_FILES_DB` and the settings of the database. Exit code: 0 nothing is left, or would be
 * after `--apply`; 1 something was refused, and it says why; 2 it could not begin, or go on.
 */
import { parseArgs } from 'node:util'
import { type Finding, importAll } from '../import/import.ts'
import type { ImportPorts } from '../import/ports.ts'
import { ConfigFault } from '../settings/config.ts'
import { wireImport } from '../wire/import.ts'
import { type ImportReport, renderJson, renderTable } from './import-report.ts'

interface ImportDeps {
  readonly print: (text: string) => void
  readonly complain: (text: string) => void
  /** @throws ConfigFault */
  readonly wire: () => { readonly ports: ImportPorts; close(): Promise<void> }
}

const USAGE = 'usage: node shared/commands/import.ts [--apply] [-o json|table]'

/** Why nothing could be begun. */
class CannotBegin extends Error {}

function parseOptions(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        apply: { type: 'boolean', default: false },
        output: { type: 'string', short: 'o', default: 'table' },
      },
    })
    if (values.output !== 'table' && values.output !== 'json') throw new Error(USAGE)
    return values
  } catch {
    throw new CannotBegin(USAGE)
  }
}

const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown')

/** @returns the exit code */
export async function importCommand(args: readonly string[], deps: ImportDeps): Promise<number> {
  let wired: ReturnType<ImportDeps['wire']> | undefined
  try {
    const { apply, output } = parseOptions(args)
    wired = deps.wire()
    const tell = ({ kind, id, verdict }: Finding) => {
      if (apply && output === 'table') deps.complain(`${verdict}  ${kind} ${id}`)
    }
    const report: ImportReport = { applied: apply, findings: await importAll(wired.ports, { apply, tell }) }
    deps.print(output === 'json' ? renderJson(report) : renderTable(report))
    return report.findings.some(({ verdict }) => verdict === 'refused') ? 1 : 0
  } catch (error) {
    deps.complain(sentenceOf(error))
    if (!(error instanceof CannotBegin || error instanceof ConfigFault)) deps.complain('Nothing more was done.')
    return 2
  } finally {
    await wired?.close()
  }
}

if (import.meta.main) {
  const complain = (text: string) => console.error(text)
  process.exitCode = await importCommand(process.argv.slice(2), {
    print: (text) => console.log(text),
    complain,
    wire: () =>
      wireImport(process.env, (level, event) => {
        if (level === 'warn' || level === 'error') complain(`${level}: ${event}`)
      }),
  })
}
