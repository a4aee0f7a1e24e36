/**
 * One sweep over 10,000 executing analyses with FANOUT=events: the process that is ticked sends an event per analysis to a
 * broker, which spreads them over four reconcilers. Nothing here has a budget. Everything shares one machine with the load
 * (analyses, Hub, broker, Kubernetes API and database), so the numbers say what the machine does, not what four pods can do.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { startApart } from './apart.ts'
import type { Delivered, Question } from './broker-apart.ts'
import { startLoop } from './loop.ts'
import { type BenchRow, percentile, shown } from './row.ts'

const ANALYSES = 10_000
const PROCESSES = 4
const INTERVAL_SECONDS = 120
const GIVE_UP_MS = 240_000
const LOOK_MS = 500

export async function benchFanout(): Promise<BenchRow[]> {
  const broker = await startApart<string, Question, Delivered>('broker-apart.ts')
  await using loop = await startLoop({
    analyses: ANALYSES,
    processes: PROCESSES,
    intervalSeconds: INTERVAL_SECONDS,
    env: { FANOUT: 'events', K_SINK: broker.ready },
  })
  try {
    const subscribers = loop.urls
    await broker.ask({ subscribers })
    await loop.requests()
    const { sentAt, ms } = await loop.sweep()
    const polls = new Map<number, number>()
    const end = performance.now() + GIVE_UP_MS
    while (polls.size < ANALYSES && performance.now() < end) {
      for (const [analysis, at] of (await loop.heard()).polls) if (!polls.has(analysis)) polls.set(analysis, at)
      await delay(LOOK_MS)
    }
    const { lost } = await broker.ask({ subscribers })
    const ages = [...polls.values()].map((at) => (at - sentAt) / 1000)
    const name = `${ANALYSES.toLocaleString('en')} analyses, FANOUT=events, ${PROCESSES} reconcilers`
    return [
      shown(`${name}, observed`, polls.size, ''),
      shown(`${name}, the tick itself`, ms / 1000, 's'),
      shown(`${name}, observation age, p50`, percentile(ages, 0.5), 's'),
      shown(`${name}, observation age, p99`, percentile(ages, 0.99), 's'),
      shown(`${name}, until all were observed`, Math.max(...ages), 's'),
      shown(`${name}, events lost`, lost, ''),
      shown(`${name}, API reads`, (await loop.requests()).length, ''),
    ]
  } finally {
    await broker.stop()
  }
}

if (import.meta.main) console.table(await benchFanout())
