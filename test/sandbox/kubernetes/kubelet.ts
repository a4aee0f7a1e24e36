/** Runs the pods that are stored, writes their status, and lets them go when they are deleted. */
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
  stopped: Promise<void> | undefined
}

export interface KubeletOptions extends Runtime {
  /** A pod's grace period is cut to this. */
  readonly maxGraceMs: number
}

export function startKubelet(store: Store, resources: Resources, options: KubeletOptions): Kubelet {
  const workers = new Map<string, Worker>()
  const inputs = createPodInputs(store)

  const look = (pod: KubeObject): void => {
    const { uid, deletionTimestamp } = pod.metadata
    const worker = workers.get(uid)
    if (deletionTimestamp === undefined) {
      if (!worker) void start(pod)
    } else if (worker) void end(uid, worker)
    else release(uid)
  }

  async function start(pod: KubeObject): Promise<void> {
    const { uid } = pod.metadata
    const worker: Worker = { containers: [], startTime: timestamp(), stopped: undefined }
    workers.set(uid, worker)
    for (const spec of podSpecOf(pod).containers) {
      if (worker.stopped) return
      worker.containers.push(await startContainer(spec, worldOf(pod, spec, worker)))
    }
    if (worker.stopped) await Promise.all(worker.containers.map((one) => one.stop(0)))
    else report(uid, worker)
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
    if (worker.stopped) return
    const pod = store.byUid(uid)
    const grace = Math.min((pod?.metadata.deletionGracePeriodSeconds ?? 0) * 1000, options.maxGraceMs)
    worker.stopped = Promise.all(worker.containers.map((one) => one.stop(grace))).then(() => undefined)
    await worker.stopped
    workers.delete(uid)
    release(uid)
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
      await Promise.all([...workers].map(([uid, worker]) => end(uid, worker).then(() => worker.stopped)))
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
