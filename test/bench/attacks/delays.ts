/**
 * How long another client's plain requests take while one client attacks the same process: the mean latency in an open loop,
 * where a stall delays each request that is due in it, against the mean without the attack.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type Route, routes } from '../../../shared/routes/index.ts'
import { type Ask, createClient } from '../load.ts'
import type { BenchNode } from '../node.ts'
import { atMost, type BenchRow } from '../row.ts'
import { outcomeOf } from './connections.ts'
import { EMPTY_BODY } from './dt.ts'

const PER_SECOND = 50
const SECONDS = 5
const EVERY_MS = 1000
const BUDGET = 2
/** Time limit of a request: a blocked process answers none. */
const STILL_MS = 30_000

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Milliseconds since each request was due. */
async function load(url: string, plain: Ask): Promise<number> {
  const client = createClient(url)
  const began = performance.now()
  const latencies = Array.from({ length: PER_SECOND * SECONDS }, async (_, nth) => {
    const due = (nth * 1000) / PER_SECOND
    await delay(due)
    const answer = client.send(plain).catch(() => undefined)
    await Promise.race([answer, delay(STILL_MS, undefined, { ref: false })])
    return performance.now() - began - due
  })
  const all = await Promise.all(latencies)
  client.close()
  return mean(all)
}

interface Disturbance {
  readonly name: string
  readonly route: Route
  readonly plain: Ask
  readonly attack: Ask
}

async function beside(node: BenchNode, { name, route, plain, attack }: Disturbance): Promise<BenchRow> {
  const { url, stop } = await node.start(route)
  try {
    await load(url, plain) // warms up
    const alone = await load(url, plain)
    const attacking = setInterval(() => void outcomeOf(url, attack), EVERY_MS)
    const attacked = await load(url, plain).finally(() => clearInterval(attacking))
    console.error(`  ${route.name}, ${name}: ${attacked.toFixed(1)} ms, alone ${alone.toFixed(1)} ms`)
    return atMost(`${route.name}, plain requests beside ${name}`, attacked / alone, '× alone', BUDGET)
  } finally {
    await stop()
  }
}

const CLASHING = 8000

function launchOfMany(): string {
  const names = Array.from({ length: CLASHING }, (_, n) => `f${String(n).padStart(5, '0')}`)
  names[CLASHING - 1] = names[CLASHING - 2] ?? ''
  const mount_files = Object.fromEntries(names.map((name) => [randomBytes(12).toString('hex'), name]))
  const ana = { job_type: 'ondemand', reps: 1 }
  return JSON.stringify({ image: 'ghcr.io/hospital/des', version: '1', description: 'one too many', ana, mount_files })
}

export async function attackOthers(node: BenchNode): Promise<BenchRow[]> {
  const headers = await node.headers('hub-adapter')
  const id = randomBytes(12).toString('hex')
  await node.database.query(
    (sql) => sql`
      insert into dt.file (id, filename, origin, body, created_at, uploaded_at)
      values (${id}, 'plain.txt', 'upload', ${EMPTY_BODY}, now(), now())`,
  )
  const get = { method: 'GET', path: `/files/${id}`, headers }
  const range = `bytes=${' '.repeat(1200)}-${' '.repeat(1200)}x`
  const launch = { method: 'POST', path: '/service/launch', headers }
  return [
    await beside(node, {
      name: 'a Range of 2.4 kB, one a second',
      route: routes.dt.fileGet,
      plain: get,
      attack: { ...get, headers: { ...headers, range } },
    }),
    await beside(node, {
      name: `launches with ${CLASHING.toLocaleString('en')} mounts, one a second`,
      route: routes.dt.serviceLaunch,
      plain: { ...launch, body: '{}' },
      attack: { ...launch, body: launchOfMany() },
    }),
  ]
}
