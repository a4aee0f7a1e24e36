/** A pod's status from its containers: phase, conditions, and an entry for each container. */
import type { Container } from './container.ts'
import type { KubeObject } from './objects.ts'
import { type ContainerSpec, type ContainerStatus, isSidecar, type PodSpec, podSpecOf } from './pod-types.ts'
import type { PodWorker } from './pod-worker.ts'
import { timestamp } from './store.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly lastTransitionTime: string
}

export function statusOf(pod: KubeObject, worker: PodWorker, startTime: string) {
  const spec = podSpecOf(pod)
  const init = entries(spec.initContainers ?? [], worker.init, 'PodInitializing').map(asPrepared)
  const isInitialized = init.every(({ isPrepared }) => isPrepared)
  const main = entries(spec.containers, worker.main, isInitialized ? 'ContainerCreating' : 'PodInitializing')
  const phase = phaseOf(spec, worker, main)
  const isDone = phase === 'Succeeded' || phase === 'Failed'
  const allReady = !isDone && main.every(({ status }) => status.ready) && init.every(({ isReady }) => isReady)
  const condition = conditionMaker(pod, isDone)
  return {
    phase,
    qosClass: 'BestEffort',
    startTime,
    hostIP: '127.0.0.1',
    podIP: '127.0.0.1',
    podIPs: [{ ip: '127.0.0.1' }],
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', isInitialized, 'ContainersNotInitialized'),
      condition('ContainersReady', allReady),
      condition('Ready', allReady),
    ],
    ...(init.length > 0 ? { initContainerStatuses: init.map(({ status }) => status) } : {}),
    containerStatuses: main.map(({ status }) => status),
  }
}

interface Entry {
  readonly spec: ContainerSpec
  readonly status: ContainerStatus
}

const entries = (specs: readonly ContainerSpec[], begun: readonly Container[], waitsFor: string): Entry[] =>
  specs.map((spec, at) => ({ spec, status: begun[at]?.status() ?? notBegun(spec, waitsFor) }))

const notBegun = ({ name, image }: ContainerSpec, reason: string): ContainerStatus => ({
  name,
  image,
  imageID: '',
  ready: false,
  started: false,
  restartCount: 0,
  state: { waiting: { reason } },
  lastState: {},
})

/** An init container is ready when it has succeeded; a sidecar as others are, and the pod waits for its start only. */
function asPrepared({ spec, status }: Entry) {
  const succeeded = exitCodeOf(status) === 0
  if (isSidecar(spec))
    return { status, isReady: status.ready, isPrepared: status.started || exitCodeOf(status) !== undefined }
  return { status: { ...status, ready: succeeded }, isReady: succeeded, isPrepared: succeeded }
}

const exitCodeOf = ({ state }: ContainerStatus): number | undefined =>
  'terminated' in state ? state.terminated.exitCode : undefined

function phaseOf({ restartPolicy, containers }: PodSpec, worker: PodWorker, main: readonly Entry[]): string {
  if (restartPolicy !== 'Always' && worker.over()) {
    const succeeded = worker.main.length === containers.length && main.every(({ status }) => exitCodeOf(status) === 0)
    return succeeded ? 'Succeeded' : 'Failed'
  }
  const begun = main.every(({ status: { state, lastState } }) => !('waiting' in state) || 'terminated' in lastState)
  return begun ? 'Running' : 'Pending'
}

/** Keeps the time of a condition that did not change. */
function conditionMaker(pod: KubeObject, isDone: boolean) {
  const { conditions = [] } = (pod['status'] ?? {}) as { conditions?: readonly Condition[] }
  return (type: string, holds: boolean, why = 'ContainersNotReady') => {
    const old = conditions.find((one) => one.type === type)
    const status = holds ? 'True' : 'False'
    const since = old?.status === status ? old.lastTransitionTime : timestamp()
    const reason = isDone ? 'PodCompleted' : why
    return { type, status, lastTransitionTime: since, ...(holds ? {} : { reason }) }
  }
}
