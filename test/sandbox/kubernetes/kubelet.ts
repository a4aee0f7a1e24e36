/** Runs the pods that are stored, writes their status, and lets them go when they are deleted. */
import { EventEmitter, once } from 'node:events'
import { type Container, type ImageContext, type Runtime, startContainer } from './container.ts'
import { equal } from './merge.ts'
import type { KubeObject } from './objects.ts'
import { createPodInputs } from './pod-inputs.ts'
import { type ContainerSpec, type ContainerStatus, podSpecOf } from './pod-types.ts'
import type { Resources } from './resources.ts'
import { type Store, timestamp } from './store.ts'

export interface Kubelet {
  containers(podUid: string): readonly Container[]
  stop(): Promise<void>
}

interface Worker {
  readonly containers: Container[]
  readonly startTime: string
  /** Resolves when all containers were begun. */
  started: Promise<void>
  ending: boolean
}

export interface KubeletOptions extends Runtime {
  /** A pod's grace period is cut to this. */
  readonly maxGraceMs: number
}

export function startKubelet(store: Store, resources: Resources, options: KubeletOptions): Kubelet {
  const workers = new Map<string, Worker>()
  const inputs = createPodInputs(store)
  const ended = new EventEmitter().setMaxListeners(0)

  const look = (pod: KubeObject): void => {
    const { uid, deletionTimestamp } = pod.metadata
    const worker = workers.get(uid)
    if (deletionTimestamp === undefined) {
      if (!worker) start(pod)
    } else if (worker) void end(uid, worker)
    else release(uid)
  }

  function start(pod: KubeObject): void {
    const worker: Worker = { containers: [], startTime: timestamp(), started: Promise.resolve(), ending: false }
    workers.set(pod.metadata.uid, worker)
    worker.started = startContainers(pod, worker)
  }

  async function startContainers(pod: KubeObject, worker: Worker): Promise<void> {
    for (const spec of podSpecOf(pod).containers) {
      if (worker.ending) return
      worker.containers.push(await startContainer(spec, worldOf(pod, spec, worker)))
    }
    report(pod.metadata.uid, worker)
  }

  function worldOf(pod: KubeObject, spec: ContainerSpec, worker: Worker) {
    const contextOf = (): Omit<ImageContext, 'port'> => {
      const { name, namespace = '', labels = {} } = pod.metadata
      const { command = [], args = [] } = spec
      const mounts = inputs.mounts(pod, spec)
      return {
        env: inputs.environment(pod, spec),
        name,
        namespace,
        labels,
        container: spec.name,
        mounts,
        command,
        args,
      }
    }
    const { restartPolicy } = podSpecOf(pod)
    return { runtime: options, restartPolicy, inputs: contextOf, onChange: () => report(pod.metadata.uid, worker) }
  }

  /** Changes of one moment are written once. */
  const pending = new Set<string>()
  function report(uid: string, worker: Worker): void {
    if (pending.has(uid)) return
    pending.add(uid)
    setImmediate(() => {
      pending.delete(uid)
      const pod = store.byUid(uid)
      if (!pod || worker.containers.length < podSpecOf(pod).containers.length) return
      const status = statusOf(pod, worker)
      if (!equal(status, pod['status'])) resources.write({ ...pod, status })
    })
  }

  async function end(uid: string, worker: Worker): Promise<void> {
    if (worker.ending) return
    worker.ending = true
    const pod = store.byUid(uid)
    const grace = Math.min((pod?.metadata.deletionGracePeriodSeconds ?? 0) * 1000, options.maxGraceMs)
    await worker.started
    await Promise.all(worker.containers.map((one) => one.stop(grace)))
    workers.delete(uid)
    release(uid)
    ended.emit(uid)
  }

  function release(uid: string): void {
    const pod = store.byUid(uid)
    if (pod) resources.write({ ...pod, metadata: { ...pod.metadata, deletionGracePeriodSeconds: 0 } })
  }

  const stopWatching = store.onChange(({ type, kind, object }) => {
    if (kind.kind !== 'Pod') return
    const worker = workers.get(object.metadata.uid)
    if (type !== 'DELETED') look(object)
    else if (worker) void end(object.metadata.uid, worker)
  })

  return {
    containers: (uid) => workers.get(uid)?.containers ?? [],
    async stop() {
      stopWatching()
      const all = [...workers].map(async ([uid, worker]) => {
        const done = once(ended, uid)
        void end(uid, worker)
        await done
      })
      await Promise.all(all)
    },
  }
}

function statusOf(pod: KubeObject, worker: Worker) {
  const statuses = worker.containers.map((one) => one.status())
  const allReady = statuses.every(({ ready }) => ready)
  const before = (pod['status'] ?? {}) as {
    conditions?: readonly { type: string; status: string; lastTransitionTime: string }[]
  }
  const condition = (type: string, holds: boolean) => {
    const old = before.conditions?.find((one) => one.type === type)
    const status = holds ? 'True' : 'False'
    const since = old?.status === status ? old.lastTransitionTime : timestamp()
    return { type, status, lastTransitionTime: since, ...(holds ? {} : { reason: 'ContainersNotReady' }) }
  }
  return {
    phase: phaseOf(statuses, podSpecOf(pod).restartPolicy),
    qosClass: 'BestEffort',
    startTime: worker.startTime,
    hostIP: '127.0.0.1',
    podIP: '127.0.0.1',
    podIPs: [{ ip: '127.0.0.1' }],
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', allReady),
      condition('Ready', allReady),
    ],
    containerStatuses: statuses,
  }
}

function phaseOf(statuses: readonly ContainerStatus[], restartPolicy: string): string {
  const ends = statuses.map(({ state }) => ('terminated' in state ? state.terminated.exitCode : undefined))
  if (restartPolicy !== 'Always' && ends.every((code) => code !== undefined)) {
    if (ends.every((code) => code === 0)) return 'Succeeded'
    if (restartPolicy === 'Never') return 'Failed'
  }
  const begun = statuses.every(({ state, lastState }) => !('waiting' in state) || 'terminated' in lastState)
  return begun ? 'Running' : 'Pending'
}
