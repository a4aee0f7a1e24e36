/**
 * The function under attack, as a process that is started as in its pod. The result is its peak memory as a share of the memory
 * limit of its pod.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { nodeOptions } from '../../../knative/image/process.ts'
import { knativeService } from '../../../knative/manifests/function-service.ts'
import type { Route } from '../../../shared/routes/index.ts'
import type { BenchNode } from '../node.ts'
import { atMost, type BenchRow } from '../row.ts'

const BUDGET = 0.8
const LOOK_MS = 50
const WITHIN_MS = 60_000
const ENDING_MS = 300
const ENDED = 'the process ended'

interface Container {
  readonly resources: { readonly limits: { readonly memory: string } }
}

/** In MiB, from the deployed manifest. */
function limitOf(route: Route): number {
  const { spec } = knativeService(route) as unknown as {
    spec: { template: { spec: { containers: [Container] } } }
  }
  const { memory } = spec.template.spec.containers[0].resources.limits
  const mebibytes = /^(\d+)Mi$/.exec(memory)?.[1]
  if (mebibytes === undefined) throw new Error(`${route.name}: cannot read the memory limit ${memory}`)
  return Number(mebibytes)
}

async function peakOf(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kibibytes = /VmHWM:\s+(\d+) kB/.exec(status)?.[1]
  return kibibytes === undefined ? undefined : Number(kibibytes) / 1024
}

/** Samples continuously, because the peak of an exited process cannot be read. */
function watch(pid: number) {
  let peak = 0
  const ended = Promise.withResolvers<void>()
  let watching = true
  const looking = (async () => {
    while (watching) {
      const found = await peakOf(pid)
      if (found === undefined) ended.resolve()
      else peak = Math.max(peak, found)
      await delay(LOOK_MS)
    }
  })()
  return {
    /** Resolves when the process has exited. */
    ended: ended.promise,
    async stop(): Promise<number> {
      watching = false
      await looking
      return Math.max(peak, (await peakOf(pid)) ?? 0)
    },
  }
}

export interface Victim {
  readonly route: Route
  readonly url: string
}

export interface Attack {
  readonly name: string
  readonly route: Route
  /** Settings that override those of the node. */
  readonly env?: Readonly<Record<string, string>>
  /** Must tolerate any response and closed connections. */
  readonly run: (victim: Victim) => Promise<unknown>
}

export async function underAttack(node: BenchNode, { name, route, env, run }: Attack): Promise<BenchRow> {
  const limit = limitOf(route)
  // In a pod Node limits the heap to half of the memory limit; a process here has no such limit.
  const heap = `--max-old-space-size=${limit / 2}`
  const victim = await node.start(route, { ...env, NODE_OPTIONS: `${nodeOptions(route)} ${heap}` })
  const watched = watch(victim.pid)
  const began = performance.now()
  const said = await Promise.race([
    run({ route, url: victim.url }).then(
      () => '',
      (error: unknown) => String(error),
    ),
    watched.ended.then(() => ENDED),
    delay(WITHIN_MS, `the attack was not over within ${WITHIN_MS / 1000} s`, { ref: false }),
  ])
  // Its connections close before it exits.
  const fault = await Promise.race([watched.ended.then(() => ENDED), delay(ENDING_MS, said)])
  const peak = await watched.stop()
  await victim.stop()
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.error(`  ${route.name}, ${name}: ${peak.toFixed(0)} of ${limit} MiB, ${seconds} s${fault && `; ${fault}`}`)
  const row = atMost(`${route.name}, ${name}`, peak / limit, '× limit', BUDGET)
  return fault === '' ? row : { ...row, name: `${row.name} (${fault})`, ok: false }
}
