/** Functions scale with their load and are replaced under load: no request is lost, and a cold start is fast. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../api.ts'
import { timed } from '../world.ts'
import { redeploy } from './installation.ts'
import { succeed } from './make.ts'
import { type Node, openNode } from './node.ts'
import { shortenGrace } from './serving.ts'
import {
  type Client,
  loadSupport,
  median,
  podsOfFunction,
  quantile,
  type SupportImages,
  startClient,
  startFunction,
  userFunction,
} from './support.ts'

const SHORT = { 'autoscaling.knative.dev/window': '6s' }
const PAIRS = 20
const BUDGET = 1.3
const REQUESTS = 1000

let node: Node
let images: SupportImages
let client: Client
let restoreGrace: () => Promise<unknown> = async () => {}

beforeAll(async () => {
  node = openNode()
  images = await loadSupport(node)
  client = await startClient(node, images.client, 'client-of-scale')
  restoreGrace = await shortenGrace(node.api)
  await redeploy(node.installation, node.environment, { annotations: { 'po-status': SHORT } })
})
afterAll(async () => {
  await redeploy(node.installation, node.environment, {})
  await restoreGrace()
  await client?.stop()
  await node?.close()
})

const atZero = (name: string) =>
  eventually(`${name} is at zero`, async () => (await podsOfFunction(node, name)).length === 0, 120_000)
const inside = (name: string, path: string) =>
  `http://${name}.${node.api.namespace}.svc.${node.environment.domain}${path}`
const authorization = async () => ({ authorization: `Bearer ${await node.token()}` })
const status = async () => ({ url: inside('po-status', '/po/status'), headers: await authorization() })
const kubectl = (...args: string[]) =>
  succeed('kubectl', [...args, '--namespace', node.api.namespace], { env: { KUBECONFIG: node.environment.kubeconfig } })

/** When a pod of the function existed, its container ran, and it was ready; polled every few milliseconds. */
async function watchFirstPod(name: string, signal: AbortSignal) {
  const seen: { scheduled?: number; running?: number; ready?: number } = {}
  while (!signal.aborted && !seen.ready) {
    const [pod] = await podsOfFunction(node, name)
    const states = (pod?.status.containerStatuses ?? []) as readonly { name: string; state: object }[]
    const runs = states.some(({ name: container, state }) => container === 'user-container' && 'running' in state)
    const isReady = pod?.status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')
    if (pod) seen.scheduled ??= Date.now()
    if (runs) seen.running ??= Date.now()
    if (isReady) seen.ready ??= Date.now()
    await sleep(5)
  }
  return seen
}

async function firstAnswer(load: { url: string; headers?: Record<string, string> }): Promise<number> {
  const { outcomes, oddity, times } = await client.load({ ...load, count: 1, atOnce: 1, fresh: true })
  expect(outcomes, oddity).toEqual({ 200: 1 })
  return times[0] ?? Number.NaN
}

describe('from zero', () => {
  test('status comes when it is asked, and goes when it is not', { timeout: 240_000 }, async () => {
    await timed('to zero', () => atZero('po-status'))
    const ending = new AbortController()
    const watching = watchFirstPod('po-status', ending.signal)
    const from = Date.now()
    const whole = await firstAnswer(await status())
    const { scheduled = 0, running = 0, ready = 0 } = await watching
    ending.abort()
    const parts = {
      scheduling: scheduled - from,
      start: running - scheduled,
      readiness: ready - running,
      rest: from + whole - ready,
    }
    console.log(`          first answer of status from zero: ${whole.toFixed(0)} ms`)
    for (const [part, ms] of Object.entries(parts))
      console.log(`          ${part.padEnd(12)}${ms.toFixed(0).padStart(8)} ms`)
    expect((await podsOfFunction(node, 'po-status')).length).toBe(1)
    await timed('to zero again', () => atZero('po-status'))
  })

  test(`its first answer is as soon as that of a bare Node server, ${PAIRS} pairs`, {
    timeout: 1_200_000,
  }, async () => {
    await startFunction(node, userFunction('bare', images.bare, SHORT))
    const ours: number[] = []
    const bare: number[] = []
    const sides = [
      async () => ours.push(await firstAnswer(await status())),
      async () => bare.push(await firstAnswer({ url: inside('bare', '/') })),
    ]
    for (let pair = 0; pair < PAIRS; pair += 1) {
      await Promise.all(['po-status', 'bare'].map(atZero))
      // The second of a pair finds the machine a little busier, so the order alternates.
      for (const side of pair % 2 === 0 ? sides : sides.toReversed()) await side()
    }
    const ratio = median(ours) / median(bare)
    const line = (name: string, values: readonly number[]) =>
      console.log(
        `          ${name.padEnd(10)} median ${median(values).toFixed(0)} ms, p95 ${quantile(values, 0.95).toFixed(0)} ms, N ${values.length}`,
      )
    line('status', ours)
    line('bare Node', bare)
    console.log(`          ratio of the medians ${ratio.toFixed(2)} (budget ${BUDGET})`)
    await node.api.remove('KnativeService', 'bare', 'Background')
    expect(ratio).toBeLessThanOrEqual(BUDGET)
  })
})

describe('warm', () => {
  test('what gateway and queue-proxy add to an answer of status is printed', async () => {
    const headers = await authorization()
    const through = { url: 'http://po-service:8000/po/status', headers, count: 500, atOnce: 1 }
    const [pod] = await eventually('a pod of status', async () => {
      await client.load({ ...through, count: 5 })
      const pods = await podsOfFunction(node, 'po-status')
      return pods.length > 0 && pods
    })
    const alone = await startAlone(pod?.metadata.name ?? '')
    const direct = { url: `http://${alone}:8080/po/status`, headers, count: 500, atOnce: 1 }
    await client.load({ ...direct, count: 50 })
    const [a, b] = [await client.load(direct), await client.load(through)]
    expect([a.outcomes, b.outcomes]).toEqual([{ 200: 500 }, { 200: 500 }])
    const [own, whole] = [median(a.times), median(b.times)]
    console.log(
      `          GET /po/status: alone ${own.toFixed(2)} ms, through gateway and queue-proxy ${whole.toFixed(2)} ms, ` +
        `so that they add ${(whole - own).toFixed(2)} ms (medians of 500)`,
    )
    await node.api.remove('Pod', 'status-alone', 'Background')
  })

  test(`${REQUESTS} requests while everything on their way is replaced: none fails`, { timeout: 300_000 }, async () => {
    const headers = await authorization()
    const load = { url: 'http://po-service:8000/po/status', headers, count: REQUESTS / 2, atOnce: 5, pauseMs: 80 }
    const loads = Promise.all([client.load(load), client.load({ ...load, fresh: true })])
    for (const round of [1, 2]) {
      const pods = await podsOfFunction(node, 'po-status')
      await Promise.all(pods.map(({ metadata }) => node.api.remove('Pod', metadata.name, 'Background')))
      await sleep(1000)
      await kubectl('rollout', 'restart', 'deployment/po-gateway')
      await redeploy(node.installation, node.environment, {
        annotations: { 'po-status': { ...SHORT, round: String(round) } },
      })
    }
    const [pooled, fresh] = await loads
    console.log(
      `          pooled ${JSON.stringify(pooled.outcomes)}, fresh connections ${JSON.stringify(fresh.outcomes)}`,
    )
    expect([pooled.outcomes, fresh.outcomes], pooled.oddity ?? fresh.oddity).toEqual([
      { 200: REQUESTS / 2 },
      { 200: REQUESTS / 2 },
    ])
  })

  test('no line of an analysis is lost while the function that takes them is replaced', {
    timeout: 240_000,
  }, async () => {
    const id = randomUUID()
    await node.create(id, images.chatty)
    await node.untilStatus(id, 'executing')
    for (const round of [1, 2]) {
      await redeploy(node.installation, node.environment, {
        annotations: { 'po-stream-logs': { round: String(round) } },
      })
      const pods = await podsOfFunction(node, 'po-stream-logs')
      await Promise.all(pods.map(({ metadata }) => node.api.remove('Pod', metadata.name, 'Background')))
    }
    await node.untilGone(id, 120_000)
    const written = await eventually('the Hub has all of it', async () => {
      const lines = (await node.told(id)).logs.map(({ message }) => message).filter((text) => text.startsWith('line '))
      return lines.length >= 200 && lines
    })
    expect(written).toEqual(Array.from({ length: 200 }, (_, at) => `line ${at + 1} of 200`))
  })
})

/** The container of the function's pod without proxies in front of it. @returns its address */
async function startAlone(pod: string): Promise<string> {
  const found = await node.api.find('Pod', pod)
  const spec = found?.['spec'] as {
    containers: readonly { name: string; [field: string]: unknown }[]
    serviceAccountName: string
  }
  const {
    volumeMounts: _,
    livenessProbe: __,
    readinessProbe: ___,
    ...container
  } = spec.containers.find(({ name }) => name === 'user-container') ?? { name: '' }
  await node.api.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'status-alone' },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      serviceAccountName: spec.serviceAccountName,
      terminationGracePeriodSeconds: 1,
      containers: [container],
    },
  })
  return eventually('it has an address', async () => {
    const { podIP, phase } = ((await node.api.find('Pod', 'status-alone'))?.['status'] ?? {}) as {
      podIP?: string
      phase?: string
    }
    return phase === 'Running' && podIP
  })
}
