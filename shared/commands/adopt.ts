/**
 * Adopts the analyses of a Python pod orchestration that ran in this namespace before. Without `--apply` it reports what it
 * would do, and writes nothing.
 *
 *     node shared/commands/adopt.ts [--apply] [--finish] [--force] [--from DATABASE] [-o json]
 *
 *     --apply    do it; may be repeated until nothing is left
 *     --finish   stop running analyses instead of adopting them, and report that to the Hub
 *     --force    continue although the Python service seems to run, or nothing of it is found
 *     --from     database of the Python service, if it is not POSTGRES_DB; on the same server, for the same role
 *     -o json    one JSON object on stdout instead of a table
 *
 * Reads the settings of the functions. Exit code: 0 nothing is left, or would be after `--apply`; 1 something is left, which
 * the report names; 2 it could not begin.
 */
import { parseArgs } from 'node:util'
import type { Log } from '../platform/ports.ts'
import { takeOver } from '../po/adopt/adopt.ts'
import { preconditions } from '../po/adopt/preconditions.ts'
import { type Survey, survey } from '../po/adopt/survey.ts'
import type { AdoptPorts } from '../po/ports/adopt.ts'
import { wireAdopt } from '../wire/adopt.ts'
import { type AdoptOutcome, type AdoptReport, renderJson, renderTable } from './adopt-report.ts'
import { assertFormat, CannotBegin, exitCodeOf, OUTPUT, orUsage, sentenceOf } from './command.ts'

interface AdoptDeps {
  readonly print: (text: string) => void
  readonly complain: (text: string) => void
  /** @throws ConfigFault */
  readonly wire: (log: Log, former: string | undefined) => { readonly ports: AdoptPorts; close(): Promise<void> }
}

const USAGE = 'usage: node shared/commands/adopt.ts [--apply] [--finish] [--force] [--from DATABASE] [-o json|table]'

const parseOptions = (args: readonly string[]) =>
  orUsage(USAGE, () => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        apply: { type: 'boolean', default: false },
        finish: { type: 'boolean', default: false },
        force: { type: 'boolean', default: false },
        from: { type: 'string' },
        output: OUTPUT,
      },
    })
    assertFormat(values.output)
    return values
  })

type Options = ReturnType<typeof parseOptions>

/** @throws CannotBegin when the tables are not those of the Python service */
async function assertReadable({ predecessor }: AdoptPorts): Promise<void> {
  const missing = await predecessor.missing()
  if (missing.length === 0) return
  throw new CannotBegin(
    `The tables of the Python service are not as they are since its version 0.5, or this role may not read them: ${missing.join(', ')}. Is it another database (--from)?`,
  )
}

/** Takes over unless there are obstacles, and collects the outcomes. */
async function act(ports: AdoptPorts, found: Survey, obstacles: readonly string[], options: Options, deps: AdoptDeps) {
  const outcomes = new Map<Survey['cases'][number], AdoptOutcome>()
  if (!options.apply || obstacles.length > 0) return outcomes
  await takeOver(ports, found, ({ one, error }) => {
    outcomes.set(one, error === undefined ? { done: true } : { done: false, error: sentenceOf(error) })
    if (options.output === 'table') deps.complain(`${error === undefined ? 'done' : 'FAILED'}  ${one.id}`)
  })
  return outcomes
}

async function run(ports: AdoptPorts, options: Options, deps: AdoptDeps): Promise<number> {
  await assertReadable(ports)
  const found = await survey(ports, options)
  const obstacles = await preconditions(ports, found, options)
  const outcomes = await act(ports, found, obstacles, options, deps)
  const { namespace } = ports.cluster
  const report: AdoptReport = {
    namespace,
    applied: options.apply && obstacles.length === 0,
    found,
    obstacles,
    outcomes,
  }
  deps.print(options.output === 'json' ? renderJson(report) : renderTable(report))
  if (options.apply && obstacles.length > 0) return 2
  return isAllDone(report) ? 0 : 1
}

/** Nothing was refused, nothing failed, and every object belongs to a row. */
const isAllDone = ({ found, outcomes }: AdoptReport): boolean =>
  found.strangers.length === 0 &&
  found.unreadable.every(({ objects }) => objects === 0) &&
  found.cases.every((one) => one.decision.kind !== 'refuse' && outcomes.get(one)?.done !== false)

/** Warnings and errors of the use cases. Their fields are names and numbers; an error is its message. */
const logTo =
  ({ complain }: AdoptDeps): Log =>
  (level, event, { error, ...fields } = {}) => {
    if (level !== 'warn' && level !== 'error') return
    complain(`${level}: ${event} ${JSON.stringify({ ...fields, ...(error ? { error: sentenceOf(error) } : {}) })}`)
  }

/** @returns the exit code */
export const adoptCommand = (args: readonly string[], deps: AdoptDeps): Promise<number> =>
  exitCodeOf(deps.complain, async () => {
    const options = parseOptions(args)
    const wired = deps.wire(logTo(deps), options.from)
    try {
      return await run(wired.ports, options, deps)
    } finally {
      await wired.close()
    }
  })

if (import.meta.main) {
  process.exitCode = await adoptCommand(process.argv.slice(2), {
    print: (text) => console.log(text),
    complain: (text) => console.error(text),
    wire: (log, former) => wireAdopt(process.env, log, former),
  })
}
