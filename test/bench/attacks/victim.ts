/**
 * One function under attack: a process of its own, started as in its pod. What counts is the most memory that it ever held,
 * as a share of the memory limit of its pod.
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

/** In MiB, from the manifest that is deployed. */
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

/** Looks again and again: a process that was ended cannot be asked any more. */
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
    /** Resolves when the process is gone. */
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
  /** Settings over those of the node. */
  readonly env?: Readonly<Record<string, string>>
  /** May not fail for what the function answers, or for a connection that it ends. */
  readonly run: (victim: Victim) => Promise<unknown>
}

export async function underAttack(node: BenchNode, { name, route, env, run }: Attack): Promise<BenchRow> {
  const limit = limitOf(route)
  // In its pod Node sizes the heap by the limit: half of it. No such limit is on a process here.
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
  // Its connections end before it does.
  const fault = await Promise.race([watched.ended.then(() => ENDED), delay(ENDING_MS, said)])
  const peak = await watched.stop()
  await victim.stop()
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.error(`  ${route.name}, ${name}: ${peak.toFixed(0)} of ${limit} MiB, ${seconds} s${fault && `; ${fault}`}`)
  const row = atMost(`${route.name}, ${name}`, peak / limit, '× limit', BUDGET)
  return fault === '' ? row : { ...row, name: `${row.name} (${fault})`, ok: false }
}
