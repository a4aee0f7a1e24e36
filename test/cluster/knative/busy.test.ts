/** The control plane works while analyses compute on every core of the node: lines and creates succeed. */
import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../api.ts'
import { loadPrograms } from '../images.ts'
import { type Node, openNode } from './node.ts'
import { median, quantile } from './support.ts'

const PROGRAMS = {
  busy: { entry: 'test/cluster/pods/busy.ts' },
  pulse: { entry: 'test/cluster/pods/pulse.ts' },
} as const
/** Twice the number of cores; each analysis computes on one. */
const BUSY = 2 * availableParallelism()
const LINES = 400
const BUDGET_MS = 250

interface Pulse {
  readonly statuses: Readonly<Record<string, number>>
  readonly times: readonly number[]
}

let node: Node
let images: Readonly<Record<keyof typeof PROGRAMS, string>>

beforeAll(async () => {
  node = openNode()
  images = await loadPrograms(node.environment, PROGRAMS)
})
afterAll(async () => {
  const isGone = () =>
    node.call('DELETE', '/po/delete').then(
      () => true,
      () => false,
    )
  if (node) await eventually('the analyses are deleted', isGone, 240_000)
  await node?.close()
})

const inLog = async (id: string): Promise<Pulse | undefined> => {
  const { analysis } = await node.logsOf(id)
  const [, json] = /pulse (\{.*\})/.exec(Object.values(analysis).flat().join('\n')) ?? []
  return json === undefined ? undefined : (JSON.parse(json.replaceAll('\\"', '"')) as Pulse)
}

/** Runs an analysis that sends lines. @returns its results and the number of lines at the Hub */
async function pulse(): Promise<Pulse & { readonly kept: number }> {
  const id = randomUUID()
  await node.create(id, images.pulse)
  const found = await eventually('all lines are sent', async () => (await inLog(id)) ?? false, 180_000)
  const kept = async () => {
    const lines = (await node.told(id)).logs.filter(({ message }) => message.startsWith('pulse '))
    return new Set(lines.map(({ message }) => message)).size
  }
  await eventually('the Hub has all lines', async () => (await kept()) === LINES, 60_000).catch(() => {})
  return { ...found, kept: await kept() }
}

const print = (name: string, { times }: Pulse) =>
  console.log(
    `          stream_logs ${name.padEnd(6)} median ${median(times)} ms, p99 ${quantile(times, 0.99)} ms, ` +
      `slowest ${Math.max(...times)} ms, N ${times.length}`,
  )

test('lines are taken as soon as ever while analyses compute on every core, and none is lost', {
  timeout: 900_000,
}, async () => {
  const idle = await pulse()
  print('idle', idle)
  const creates: number[] = []
  const ids = Array.from({ length: BUSY }, () => randomUUID())
  const starting = Promise.all(
    ids.map(async (id) => {
      const began = performance.now()
      await node.create(id, images.busy)
      creates.push(Math.round(performance.now() - began))
    }),
  )
  // Concurrently: the first lines are sent while the others start.
  const [starts] = await Promise.all([pulse(), starting])
  print('starts', starts)
  console.log(
    `          creates meanwhile: median ${median(creates)} ms, slowest ${Math.max(...creates)} ms, N ${BUSY}`,
  )
  for (const id of ids) await node.untilStatus(id, 'executing', 240_000)
  const busy = await pulse()
  print('busy', busy)
  for (const { statuses, kept } of [idle, starts, busy]) expect([statuses, kept]).toEqual([{ 200: LINES }, LINES])
  expect(quantile(busy.times, 0.99)).toBeLessThanOrEqual(BUDGET_MS)
})
