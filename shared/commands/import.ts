/**
 * Copies the services and files of a Mongo database into PostgreSQL. Without `--apply` it reports what it would do, and writes
 * nothing; the bytes of files are read, and compared with their recorded digests, only when they are copied.
 *
 *     node shared/commands/import.ts [--apply] [-o json]
 *
 *     --apply    do it; may be repeated until nothing is left
 *     -o json    one JSON object on stdout instead of a table
 *
 * Reads `MONGO_URL`, `MONGO_DB`, `MONGO_FILES_DB` and the settings of the database. Exit code: 0 nothing is left, or would be
 * after `--apply`; 1 something was refused, for the reason in the report; 2 it could not begin, or failed.
 */
import { parseArgs } from 'node:util'
import { type Finding, importAll } from '../import/import.ts'
import type { ImportPorts } from '../import/ports.ts'
import { wireImport } from '../wire/import.ts'
import { assertFormat, exitCodeOf, OUTPUT, orUsage } from './command.ts'
import { type ImportReport, renderJson, renderTable } from './import-report.ts'

interface ImportDeps {
  readonly print: (text: string) => void
  readonly complain: (text: string) => void
  /** @throws ConfigFault */
  readonly wire: () => { readonly ports: ImportPorts; close(): Promise<void> }
}

const USAGE = 'usage: node shared/commands/import.ts [--apply] [-o json|table]'

const parseOptions = (args: readonly string[]) =>
  orUsage(USAGE, () => {
    const { values } = parseArgs({
      args: [...args],
      options: { apply: { type: 'boolean', default: false }, output: OUTPUT },
    })
    assertFormat(values.output)
    return values
  })

/** @returns the exit code */
export const importCommand = (args: readonly string[], deps: ImportDeps): Promise<number> =>
  exitCodeOf(deps.complain, async () => {
    const { apply, output } = parseOptions(args)
    const wired = deps.wire()
    const onFinding = ({ kind, id, verdict }: Finding) => {
      if (apply && output === 'table') deps.complain(`${verdict}  ${kind} ${id}`)
    }
    try {
      const report: ImportReport = { applied: apply, findings: await importAll(wired.ports, { apply, onFinding }) }
      deps.print(output === 'json' ? renderJson(report) : renderTable(report))
      return report.findings.some(({ verdict }) => verdict === 'refused') ? 1 : 0
    } finally {
      await wired.close()
    }
  })

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
