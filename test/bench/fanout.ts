/**
 * One sweep over 10,000 executing analyses with FANOUT=events: the process that gets the tick publishes one event per analysis
 * to a broker, which spreads them over four reconcilers. The rows have no budget: the load (analyses, Hub, broker, Kubernetes
 * API and database) shares the machine, so they do not show the capacity of four pods.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { startApart } from './apart.ts'
import type { Question } from './broker-apart.ts'
import { type Loop, startLoop } from './loop.ts'
import { type BenchRow, notMeasured, percentile, shown } from './row.ts'

const ANALYSES = 10_000
const PROCESSES = 4
const INTERVAL_SECONDS = 60
const GIVE_UP_MS = 180_000
const LOOK_MS = 500

const NAME = `${ANALYSES.toLocaleString('en')} analyses, FANOUT=events, ${PROCESSES} reconcilers`

/** When each analysis was observed, up to a time limit. */
async function observe(loop: Loop, over: () => boolean): Promise<Map<number, number>> {
  const polls = new Map<number, number>()
  const end = performance.now() + GIVE_UP_MS
  while (polls.size < ANALYSES && performance.now() < end && !over()) {
    await delay(LOOK_MS)
    for (const [analysis, at] of (await loop.heard()).polls) if (!polls.has(analysis)) polls.set(analysis, at)
  }
  return polls
}

async function measure(loop: Loop): Promise<BenchRow[]> {
  await loop.requests()
  let fault: unknown
  const sweeping = loop.sweep().catch((error: unknown) => {
    fault = error
  })
  const polls = await observe(loop, () => fault !== undefined)
  const swept = await Promise.race([sweeping, delay(LOOK_MS)])
  if (!swept) return [notMeasured(NAME, fault ? String(fault) : 'the tick took too long on this machine', '')]
  const ages = [...polls.values()].map((at) => (at - swept.sentAt) / 1000)
  return [
    shown(`${NAME}, observed`, polls.size, ''),
    shown(`${NAME}, the tick itself`, swept.ms / 1000, 's'),
    shown(`${NAME}, observation age, p50`, percentile(ages, 0.5), 's'),
    shown(`${NAME}, observation age, p99`, percentile(ages, 0.99), 's'),
    shown(`${NAME}, until all were observed`, Math.max(...ages), 's'),
    shown(`${NAME}, API reads`, (await loop.requests()).length, ''),
  ]
}

export async function benchFanout(): Promise<BenchRow[]> {
  await using broker = await startApart<string, Question, unknown>('broker-apart.ts')
  await using loop = await startLoop({
    analyses: ANALYSES,
    processes: PROCESSES,
    intervalSeconds: INTERVAL_SECONDS,
    env: { FANOUT: 'events', K_SINK: broker.ready },
  })
  await broker.ask({ subscribers: loop.urls })
  return await measure(loop)
}

if (import.meta.main) console.table(await benchFanout())
