/**
 * A node whose loop is measured: one `po-status-reconcile` as in production, real PostgreSQL, and as processes of their own
 * the Kubernetes API with all runs, the Hub, and the analyses, each on an address of its own.
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
  /** Reconcilers; ticks go to the first. */
  readonly processes?: number
  readonly env?: Readonly<Record<string, string>>
}

const route = routes.po.statusReconcile
const HUB_LATENCY_MS = 20
const NETWORK = fileURLToPath(new URL('cluster-network.mjs', import.meta.url))
/** A tick that comes in the first moment of a slot might come in the last one of the slot before, by another clock. */
const INTO_SLOT_MS = 50

const wallClock = (): number => performance.timeOrigin + performance.now()

export interface Swept {
  /** Wall clock at which the tick was sent. */
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
    /** What the analyses were asked since the last time. Those up to this number hang from now on. */
    heard: (hang = 0) => analysts.ask({ hang }),
    /** Requests that the Kubernetes API got since the last time. */
    requests: runs.requests,
    pid: node.runningOf(route)[0]?.pid ?? 0,
    urls: node.runningOf(route).map(({ url }) => url),
    /** Ticks when the next slot has begun, and waits for the sweep. */
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
