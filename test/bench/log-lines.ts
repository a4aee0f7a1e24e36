/**
 * The latency of line 10,000 of an analysis against line 10: the whole call on a real server, with progress and a report.
 *
 * Both are measured in turns, so that other load on the machine affects both equally.
 */
import { randomUUID } from 'node:crypto'
import { connect, createPoStore } from '../../shared/adapters/postgres/po/index.ts'
import type { AnalysisId, Report } from '../../shared/po/model.ts'
import type { PoStore } from '../../shared/po/ports/store.ts'
import { databaseSettings } from '../sandbox/postgres.ts'
import { startTestDatabases } from '../sandbox/test-databases.ts'
import { atMost, type BenchRow, median, shown } from './row.ts'

const LONG = 10_000
const SHORT = 10
/** Lines measured around each of the two. */
const SPREAD = 5
const ROUNDS = 1000
const BUDGET = 1.2

async function analysis(store: PoStore): Promise<AnalysisId> {
  const id = randomUUID() as AnalysisId
  const result = await store.begin({
    id,
    spelling: id,
    projectId: randomUUID(),
    image: 'registry.example/analysis:1',
    registryHost: 'registry.example',
    needsKong: true,
    restartCounter: 0,
    progress: 0,
    requestedBy: null,
    leaseMs: 60_000,
  })
  if (result.kind !== 'begun') throw new Error(`begin answered ${result.kind}`)
  return id
}

/** The default of the setting. */
const LIMITS = { runLines: 20_000, runBytes: 2 ** 24, analysisLines: 100_000, analysisBytes: 2 ** 26 }

const report = (message: string): Report => ({ kind: 'log', level: 'info', message, status: 'executing' })

async function append(store: PoStore, id: AnalysisId, nth: number): Promise<void> {
  const message = `round ${nth}: the mean over all partners has changed by 0.0${nth}`
  const line = { level: 'info', message, status: 'executing', progress: Math.min(99, Math.floor(nth / 101)) } as const
  await store.appendLine(id, null, line, () => [report(message)], LIMITS)
}

async function fill(store: PoStore, id: AnalysisId, count: number): Promise<void> {
  for (let nth = 1; nth <= count; nth += 1) await append(store, id, nth)
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** Lines around the 10th of new analyses, in turns with lines around the 10,000th of one. */
async function measure(store: PoStore): Promise<{ short: number[]; long: number[] }> {
  const old = await analysis(store)
  await fill(store, old, LONG - ROUNDS / 2)
  const times = { short: [] as number[], long: [] as number[] }
  let young = old
  for (let round = 0; round < ROUNDS; round += 1) {
    const step = round % (2 * SPREAD)
    if (step === 0) {
      young = await analysis(store)
      await fill(store, young, SHORT - SPREAD)
    }
    times.short.push(await timed(() => append(store, young, SHORT - SPREAD + step)))
    times.long.push(await timed(() => append(store, old, LONG - ROUNDS / 2 + round)))
  }
  return times
}

export async function benchLogLines(): Promise<BenchRow[]> {
  const databases = await startTestDatabases()
  const pool = connect(databaseSettings(await databases.create()))
  try {
    const { short, long } = await measure(createPoStore(pool))
    const [first, last] = [median(short), median(long)]
    return [
      shown('log line 10, median', first, 'ms'),
      shown('log line 10,000, median', last, 'ms'),
      atMost('cost of log line 10,000 against line 10', last / first, '×', BUDGET),
    ]
  } finally {
    await pool.end()
    await databases.stop()
  }
}

if (import.meta.main) console.table(await benchLogLines())
