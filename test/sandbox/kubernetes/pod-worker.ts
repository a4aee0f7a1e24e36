/**
 * Runs one pod: init containers and sidecars in order, then the containers concurrently; when these have ended or the pod is
 * terminated, the sidecars stop in reverse order. Uses no API: it calls back on changes.
 */
import type { Container } from './container.ts'
import { type ContainerSpec, isSidecar, type PodSpec } from './pod-types.ts'

export interface PodWorker {
  /** Those that were begun, in the order of the pod. */
  readonly init: readonly Container[]
  readonly main: readonly Container[]
  /** An init container failed and will not be started again. */
  failed(): boolean
  /** Every container has ended for good. */
  over(): boolean
  /** Ends all; resolves when they have ended. */
  stop(graceMs: number): Promise<void>
}

export interface PodSurroundings {
  readonly start: (spec: ContainerSpec, restartPolicy: PodSpec['restartPolicy']) => Promise<Container>
  readonly onChange: () => void
}

export function startPod(spec: PodSpec, { start, onChange }: PodSurroundings): PodWorker {
  const init: Container[] = []
  const main: Container[] = []
  const graceMs = spec.terminationGracePeriodSeconds * 1000
  let stopping = false
  let failed = false
  let over = false

  async function begin(one: ContainerSpec, restartPolicy: PodSpec['restartPolicy']): Promise<Container> {
    const container = await start(one, restartPolicy)
    if (stopping) await container.stop(0)
    return container
  }

  /** False when the pod cannot go on. */
  async function prepare(one: ContainerSpec): Promise<boolean> {
    const sidecar = isSidecar(one)
    const container = await begin(one, sidecar ? 'Always' : initPolicy(spec))
    init.push(container)
    if (sidecar) {
      await container.begun
      return true
    }
    const ended = await container.over
    failed ||= !stopping && ended?.exitCode !== 0
    return ended?.exitCode === 0
  }

  async function live(): Promise<void> {
    for (const one of spec.initContainers ?? []) if (stopping || !(await prepare(one))) return
    for (const one of spec.containers) {
      if (stopping) return
      main.push(await begin(one, spec.restartPolicy))
    }
    onChange()
    await Promise.all(main.map((container) => container.over))
  }

  async function stopSidecars(grace: number): Promise<void> {
    for (const container of init.toReversed()) await container.stop(grace)
  }

  const lived = live().then(async () => {
    if (!stopping) await stopSidecars(graceMs)
    over = true
    onChange()
  })

  return {
    init,
    main,
    failed: () => failed,
    over: () => over,
    async stop(grace) {
      stopping = true
      await Promise.all([...main, ...init.filter((one) => !isSidecar(one.spec))].map((one) => one.stop(grace)))
      await stopSidecars(grace)
      await lived
    },
  }
}

const initPolicy = ({ restartPolicy }: PodSpec): PodSpec['restartPolicy'] =>
  restartPolicy === 'Never' ? 'Never' : 'OnFailure'
