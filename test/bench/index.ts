/**
 * `make bench`: measures every budget, prints a table and writes `.run/bench.json`. Ends with 1 when a budget is missed.
 *
 *     node test/bench/index.ts --only creates   # only benchmarks whose name contains it
 *
 * How a number is taken is said in the file of its benchmark. Rows share one machine with their load, one after the
 * other: run it while nothing else does.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { benchColdStart } from './cold-start.ts'
import { benchCreatesOnCluster, benchCreatesOnSandbox } from './creates.ts'
import { benchFanout } from './fanout.ts'
import { benchFiles } from './files.ts'
import { benchLogLines } from './log-lines.ts'
import { benchRecovery } from './recovery.ts'
import { type BenchRow, print } from './row.ts'
import { benchServiceList } from './service-list.ts'
import { benchStatus } from './status.ts'
import { benchStreamLogs } from './stream-logs.ts'
import { benchSweep } from './sweep.ts'
import { benchWrites } from './writes.ts'

const RUN_FOLDER = new URL('../../.run/', import.meta.url)

const BENCHMARKS: readonly (readonly [name: string, measure: () => Promise<BenchRow[]>])[] = [
  ['creates on the sandbox', benchCreatesOnSandbox],
  ['creates on the cluster', benchCreatesOnCluster],
  ['writes', benchWrites],
  ['status', benchStatus],
  ['service list', benchServiceList],
  ['stream_logs', benchStreamLogs],
  ['log lines', benchLogLines],
  ['sweep', benchSweep],
  ['recovery', benchRecovery],
  ['fan-out', benchFanout],
  ['files', benchFiles],
  ['cold start and memory', benchColdStart],
]

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } })
const chosen = BENCHMARKS.filter(([name]) => name.includes(values.only))
if (chosen.length === 0) throw new Error(`--only: one of ${BENCHMARKS.map(([name]) => name).join(', ')}`)

const rows: BenchRow[] = []
for (const [name, measure] of chosen) {
  console.error(`measuring ${name} …`)
  rows.push(...(await measure()))
}
print(rows)
await mkdir(RUN_FOLDER, { recursive: true })
await writeFile(new URL('bench.json', RUN_FOLDER), `${JSON.stringify(rows, null, 2)}\n`)
const missed = rows.filter(({ ok }) => ok === false)
if (missed.length > 0) console.error(`${missed.length} of ${rows.length} rows miss their budget`)
process.exitCode = missed.length > 0 ? 1 : 0
