/**
 * Recovery of the Hub: 100 executing analyses have 100 pending reports each, which failed several times while the Hub refused
 * connections. The Hub is a separate process and takes 20 ms for each request. The time is that from the first tick after its
 * return to the last report, with a tick at each interval; the order is that of the Hub's requests.
 */
import type { Report } from '../../shared/po/model.ts'
import type { AnalysisRecord } from '../sandbox/hub-world.ts'
import { analysisId } from './analyses.ts'
import { type Loop, startLoop } from './loop.ts'
import { atLeast, atMost, type BenchRow } from './row.ts'

const ANALYSES = 100
const REPORTS = 100
const STATUS_EVERY = 10
const SWEEPS_AWAY = 3
const GIVE_UP_SWEEPS = 6
const INTERVAL_SECONDS = 10
const BUDGET = 500

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

/** The number of a report is its progress, or the text of its line. */
const report = (n: number): Report =>
  n % STATUS_EVERY === 0
    ? { kind: 'status', status: 'executing', progress: n }
    : { kind: 'log', level: 'info', message: `report ${n}`, status: 'executing' }

type Told = Readonly<Record<string, AnalysisRecord>>

async function ask(loop: Loop, method: string, path: string, body?: object): Promise<unknown> {
  const content = body ? { body: JSON.stringify(body) } : {}
  const answer = await fetch(`${loop.hub.url}/_sandbox/${path}`, { method, ...content })
  return answer.json()
}

const told = async (loop: Loop): Promise<Told> => (await ask(loop, 'GET', 'analyses')) as Told

interface Arrived {
  readonly n: number
  readonly at: number
}

/** The reports of one analysis in order of arrival; they are 20 ms apart. */
function arrivals({ statuses, logs }: AnalysisRecord): Arrived[] {
  const lines = logs.map(({ at, message }) => ({ n: Number(message.replace('report ', '')), at: Date.parse(at) }))
  const states = statuses.map(({ at, progress }) => ({ n: progress ?? Number.NaN, at: Date.parse(at) }))
  return [...lines, ...states].toSorted((a, b) => a.at - b.at)
}

const isInOrder = (arrived: readonly Arrived[]): boolean =>
  arrived.length === REPORTS && arrived.every(({ n }, index) => n === index + 1)

async function letWait(loop: Loop): Promise<void> {
  await ask(loop, 'POST', 'faults', { kind: 'down' })
  for (const n of numbers(ANALYSES)) await loop.node.store.appendReports(analysisId(n), numbers(REPORTS).map(report))
  for (let nth = 0; nth < SWEEPS_AWAY; nth += 1) await loop.sweep()
  if (Object.keys(await told(loop)).length > 0) throw new Error('the Hub was told something while it was away')
  await ask(loop, 'DELETE', 'faults')
}

const perAnalysis = (records: Told): Arrived[][] => Object.values(records).map(arrivals)

export async function benchRecovery(): Promise<BenchRow[]> {
  await using loop = await startLoop({ analyses: ANALYSES, intervalSeconds: INTERVAL_SECONDS })
  await letWait(loop)
  const { sentAt } = await loop.sweep()
  let arrived = perAnalysis(await told(loop))
  for (let nth = 1; nth < GIVE_UP_SWEEPS && arrived.flat().length < ANALYSES * REPORTS; nth += 1) {
    await loop.sweep()
    arrived = perAnalysis(await told(loop))
  }
  const seconds = (Math.max(...arrived.flat().map(({ at }) => at)) - sentAt) / 1000
  const name = `Hub back, ${ANALYSES} analyses × ${REPORTS} reports`
  return [
    atLeast(name, arrived.flat().length / seconds, '/s', BUDGET),
    atMost(`${name}, analyses out of order or incomplete`, ANALYSES - arrived.filter(isInOrder).length, '', 0),
  ]
}

if (import.meta.main) console.table(await benchRecovery())
