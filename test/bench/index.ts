/**
 * `make bench`: measures every budget, prints a table and writes `.run/bench.json`. Exits with 1 if a budget is missed.
 *
 *     node test/bench/index.ts --only creates   # only benchmarks whose name contains it
 *
 * The file of each benchmark describes its measurement. Benchmarks run one after the other and share the machine with their
 * load: run nothing else meanwhile. Each is a separate process, which is killed with all its children at its time limit.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { benchAttacks } from './attacks/index.ts'
import { benchColdStart } from './cold-start.ts'
import { benchCreatesOnCluster, benchCreatesOnSandbox } from './creates.ts'
import { benchFanout } from './fanout.ts'
import { benchFiles } from './files.ts'
import { benchLogLines } from './log-lines.ts'
import { benchRecovery } from './recovery.ts'
import { type BenchRow, missed, print } from './row.ts'
import { benchServiceList } from './service-list.ts'
import { benchStatus } from './status.ts'
import { benchStreamLogs } from './stream-logs.ts'
import { benchSweep } from './sweep.ts'
import { benchWrites } from './writes.ts'

const RUN_FOLDER = new URL('../../.run/', import.meta.url)

interface Benchmark {
  readonly name: string
  /** About three times its duration on the machine of the README. */
  readonly minutes: number
  readonly measure: () => Promise<BenchRow[]>
}

const BENCHMARKS: readonly Benchmark[] = [
  { name: 'creates on the sandbox', minutes: 3, measure: benchCreatesOnSandbox },
  { name: 'creates on the cluster', minutes: 5, measure: benchCreatesOnCluster },
  { name: 'writes', minutes: 3, measure: benchWrites },
  { name: 'status', minutes: 3, measure: benchStatus },
  { name: 'service list', minutes: 3, measure: benchServiceList },
  { name: 'stream_logs', minutes: 4, measure: benchStreamLogs },
  { name: 'log lines', minutes: 3, measure: benchLogLines },
  { name: 'sweep', minutes: 10, measure: benchSweep },
  { name: 'recovery', minutes: 6, measure: benchRecovery },
  { name: 'fan-out', minutes: 8, measure: benchFanout },
  { name: 'files', minutes: 4, measure: benchFiles },
  { name: 'attacks', minutes: 8, measure: benchAttacks },
  { name: 'cold start and memory', minutes: 8, measure: benchColdStart },
]

/** Kills it with all its children. */
function kill({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has already exited.
  }
}

async function apart({ name, minutes }: Benchmark): Promise<BenchRow[]> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--one', name], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  })
  const end = () => kill(child)
  process.on('exit', end)
  const over = new AbortController()
  let rows: BenchRow[] | undefined
  child.on('message', (message) => {
    rows = message as BenchRow[]
  })
  const why = await Promise.race([
    once(child, 'exit').then(([code, signal]) => `ended with ${code ?? signal}`),
    delay(minutes * 60_000, `was not over within ${minutes} min`, { signal: over.signal }),
  ])
  over.abort()
  end()
  process.off('exit', end)
  return rows ?? [missed(`${name} (${why})`)]
}

async function all(chosen: readonly Benchmark[]): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const [nth, benchmark] of chosen.entries()) {
    console.error(`${nth + 1} of ${chosen.length}: measuring ${benchmark.name}, ${benchmark.minutes} min at most …`)
    const began = performance.now()
    rows.push(...(await apart(benchmark)))
    console.error(`  ${((performance.now() - began) / 1000).toFixed(0)} s`)
  }
  return rows
}

async function report(chosen: readonly Benchmark[]): Promise<void> {
  const rows = await all(chosen)
  print(rows)
  await mkdir(RUN_FOLDER, { recursive: true })
  await writeFile(new URL('bench.json', RUN_FOLDER), `${JSON.stringify(rows, null, 2)}\n`)
  const over = rows.filter(({ ok }) => ok === false)
  if (over.length > 0) console.error(`${over.length} of ${rows.length} rows miss their budget`)
  process.exitCode = over.length > 0 ? 1 : 0
}

const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, one: { type: 'string' } } })
if (values.one === undefined) {
  const chosen = BENCHMARKS.filter(({ name }) => name.includes(values.only))
  if (chosen.length === 0) throw new Error(`--only: one of ${BENCHMARKS.map(({ name }) => name).join(', ')}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  await report(chosen)
} else {
  const rows = await BENCHMARKS.find(({ name }) => name === values.one)?.measure()
  process.send?.(rows)
  process.disconnect?.()
}
