/**
 * A container without a process, for tests of many idle pods. It starts when its Secrets, ConfigMaps and volumes exist, passes
 * every probe, writes nothing and stops on request.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Container, ContainerWorld } from './container.ts'
import { createContainerLog } from './container-log.ts'
import { NotReady } from './pod-inputs.ts'
import type { ContainerSpec, ContainerState, Terminated } from './pod-types.ts'
import { timestamp } from './store.ts'

/** In the table of images. */
export const IDLE = 'idle'

/** Time to get ready, and to end: what waits for that has to wait. */
const MOMENT_MS = 5

export function startIdleContainer(spec: ContainerSpec, { inputs, onChange, runtime }: ContainerWorld): Container {
  let state: ContainerState = { waiting: { reason: 'ContainerCreating' } }
  const log = createContainerLog(0)
  let ready = false
  let stopping = false
  const begun = Promise.withResolvers<void>()
  const over = Promise.withResolvers<Terminated | undefined>()

  const isReady = async (): Promise<boolean> => {
    try {
      await inputs()
      return true
    } catch (error) {
      if (!(error instanceof NotReady)) throw error
      state = { waiting: { reason: error.reason, message: error.message } }
      onChange()
      return false
    }
  }

  async function start(): Promise<void> {
    while (!(await isReady())) await delay(runtime.backoffMs)
    if (stopping) return
    state = { running: { startedAt: timestamp() } }
    begun.resolve()
    onChange()
    await delay(MOMENT_MS)
    ready = !stopping
    onChange()
  }

  void start()
  return {
    spec,
    port: 0,
    begun: begun.promise,
    over: over.promise,
    status: () => ({
      ...{ name: spec.name, image: spec.image, imageID: `sandbox://${spec.image}` },
      ...{ ready, started: 'running' in state, restartCount: 0, state, lastState: {} },
    }),
    log: (previous) => (previous ? undefined : log),
    async stop() {
      stopping = true
      await delay(MOMENT_MS)
      const startedAt = 'running' in state ? state.running.startedAt : undefined
      const terminated = startedAt && { exitCode: 0, reason: 'Completed', startedAt, finishedAt: timestamp() }
      if (terminated) state = { terminated }
      ready = false
      over.resolve(terminated || undefined)
      begun.resolve()
    },
  }
}
