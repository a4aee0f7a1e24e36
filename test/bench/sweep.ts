/**
 * Sweeps over 1,000 executing analyses, in turns without and with 100 that accept connections and never answer. They include
 * all work of a sweep: the lists of Kubernetes, every poll, partner lookups at a Hub that takes 20 ms, and the notification of
 * analyses about their partners. The age of an observation is the time from the tick to the response of the analysis.
 */
import { readFile } from 'node:fs/promises'
import { OWNED_KINDS } from '../../shared/po/ports/cluster.ts'
import { type Loop, startLoop } from './loop.ts'
import { atMost, type BenchRow, median, percentile, shown } from './row.ts'

const ANALYSES = 1000
const HANGING = 100
const SWEEPS = 10
const WARM_UP = 2
const INTERVAL_SECONDS = 10
/** Two pods per analysis, 500 per page. */
const READS = OWNED_KINDS.length + Math.ceil((2 * ANALYSES) / 500)

interface Measured {
  readonly ms: number
  readonly ages: readonly number[]
  readonly reads: number
}

async function sweep(loop: Loop, hanging: number): Promise<Measured> {
  await loop.heard(hanging)
  await loop.requests()
  const { sentAt, ms } = await loop.sweep()
  const { polls, told } = await loop.heard(hanging)
  const answering = ANALYSES - hanging
  if (polls.size !== answering || told !== answering)
    throw new Error(`${polls.size} of ${answering} analyses were asked, ${told} told of their partners`)
  const requests = await loop.requests()
  return { ms, ages: [...polls.values()].map((at) => at - sentAt), reads: requests.length }
}

async function memoryOf({ pid }: Loop): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

const medianOf = (sweeps: readonly Measured[], of: (sweep: Measured) => number): number => median(sweeps.map(of))
const middleAge = ({ ages }: Measured): number => percentile(ages, 0.5)
const lateAge = ({ ages }: Measured): number => percentile(ages, 0.99)

export async function benchSweep(): Promise<BenchRow[]> {
  await using loop = await startLoop({ analyses: ANALYSES, intervalSeconds: INTERVAL_SECONDS })
  for (let nth = 0; nth < WARM_UP; nth += 1) await sweep(loop, 0)
  const without: Measured[] = []
  const hung: Measured[] = []
  for (let nth = 0; nth < SWEEPS; nth += 1) {
    without.push(await sweep(loop, 0))
    hung.push(await sweep(loop, HANGING))
  }
  const name = `sweep of ${ANALYSES.toLocaleString('en')} analyses`
  const hanging = `${name}, ${HANGING} hanging`
  const ratio = medianOf(hung, middleAge) / medianOf(without, middleAge)
  return [
    shown(`${name}, none hanging`, medianOf(without, ({ ms }) => ms) / 1000, 's'),
    shown(`${name}, none hanging, observation age, p99`, medianOf(without, lateAge), 'ms'),
    atMost(hanging, medianOf(hung, ({ ms }) => ms) / 1000, 's', INTERVAL_SECONDS),
    shown(`${hanging}, observation age of the others, p50`, medianOf(hung, middleAge), 'ms'),
    atMost(`${hanging}, observation age of the others, p99`, medianOf(hung, lateAge), 'ms', 500),
    atMost(`${hanging}, observation age of the others against none hanging, p50`, ratio, '×', 1.25),
    atMost(`${name}, API reads`, Math.max(...[...without, ...hung].map(({ reads }) => reads)), '', READS),
    atMost(`RSS after these sweeps, po-status-reconcile`, await memoryOf(loop), 'MiB', 160),
  ]
}

if (import.meta.main) console.table(await benchSweep())
