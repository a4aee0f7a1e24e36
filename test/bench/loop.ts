/**
 * A node for measurements of the loop: one `po-status-reconcile` as in production, real PostgreSQL, and as separate processes
 * the Kubernetes API with all runs, the Hub, and the analyses, each on its own address.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nodeOptions } from '../../knative/image/process.ts'
import { routes } from '../../shared/routes/index.ts'
import { analysisId, seedAnalyses } from './analyses.ts'
import type { Heard, Question } from './analyses-apart.ts'
import { startApart } from './apart.ts'
import { runsApart } from './clusters.ts'
import type { HubApart } from './hub-apart.ts'
import { startNode } from './node.ts'
import { tick } from './tick.ts'

export interface LoopOptions {
  readonly analyses: number
  readonly intervalSeconds: number
  /** Number of reconcilers; ticks go to the first. */
  readonly processes?: number
  readonly env?: Readonly<Record<string, string>>
}

const route = routes.po.statusReconcile
const HUB_LATENCY_MS = 20
const NETWORK = fileURLToPath(new URL('cluster-network.mjs', import.meta.url))
/** By another clock, a tick at the very start of a slot could belong to the slot before. */
const INTO_SLOT_MS = 50

const wallClock = (): number => performance.timeOrigin + performance.now()

export interface Swept {
  /** Wall-clock time of the tick. */
  readonly sentAt: number
  readonly ms: number
}

export async function startLoop({ analyses, intervalSeconds, processes = 1, env }: LoopOptions) {
  await using started = new AsyncDisposableStack()
  const runs = runsApart(analyses)
  const hub = started.use(await startApart<HubApart>('hub-apart.ts', { HUB_LATENCY_MS: String(HUB_LATENCY_MS) }))
  const analysts = started.use(await startApart<number, Question, Heard>('analyses-apart.ts'))
  const node = started.use(
    await startNode({
      routes: [route],
      processes,
      cluster: runs.start,
      env: {
        ...hub.ready.env,
        NODE_OPTIONS: `${nodeOptions(route)} --import=${NETWORK}`,
        ANALYSES_PORT: String(analysts.ready),
        SIDECAR_REACH: 'service',
        STATUS_LOOP_INTERVAL: String(intervalSeconds),
        SILENCE_BUDGET: '86400',
        ...env,
      },
    }),
  )
  await seedAnalyses(node.store, analyses, analysisId)
  const client = node.client(route)
  const stack = started.move()
  return {
    node,
    hub: hub.ready,
    /** The polls since the last call. Analyses up to this number hang from now on. */
    heard: (hang = 0) => analysts.ask({ hang }),
    /** Requests to the Kubernetes API since the last call. */
    requests: runs.requests,
    pid: node.runningOf(route)[0]?.pid ?? 0,
    urls: node.runningOf(route).map(({ url }) => url),
    /** Ticks at the start of the next slot, and waits for the sweep. */
    async sweep(): Promise<Swept> {
      const interval = intervalSeconds * 1000
      await delay(interval - (Date.now() % interval) + INTO_SLOT_MS)
      const sentAt = wallClock()
      const { status, text } = await client.send(tick())
      if (status !== 204) throw new Error(`tick: ${status} ${text}`)
      return { sentAt, ms: wallClock() - sentAt }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

export type Loop = Awaited<ReturnType<typeof startLoop>>
